//! Pages for people: the frame that all of them have, and texts with a little markup.
//!
//! What is put into a page is escaped by maud. It must not know what a page is about.

use maud::{DOCTYPE, Markup, html};

/// A page that is called `title`, out of what stands below its header.
pub(crate) fn page(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – TicketBoss" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/docs.css";
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    a.brand href="/docs" {
                        img src="/favicon.svg" alt="" width="28" height="28"; " TicketBoss API"
                    }
                    span.elsewhere {
                        a.contents href="/docs#contents" { "Contents" }
                        a href="/" { "Dashboard" }
                        a.document href="/openapi.json" { "openapi.json" }
                    }
                }
                (content)
            }
        }
    };
    page.into_string()
}

/// Text with words in backticks.
pub(crate) fn marked_up(text: &str) -> Markup {
    linked(text, &|_| None)
}

/// The same, where a word in backticks leads to where it is explained, if it is anywhere.
pub(crate) fn linked(text: &str, place: &dyn Fn(&str) -> Option<String>) -> Markup {
    html! {
        // Every second part stands between backticks.
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 0 {
                (part)
            } @else if let Some(place) = place(part) {
                a href=(place) { code { (part) } }
            } @else {
                code { (part) }
            }
        }
    }
}

/// Text in paragraphs and lists, as Markdown has them: with an empty line in between, and with dashes.
pub(crate) fn paragraphs(text: &str, place: &dyn Fn(&str) -> Option<String>) -> Markup {
    html! {
        @for block in text.split("\n\n").filter(|block| !block.is_empty()) {
            @if let Some(items) = block.strip_prefix("- ") {
                ul { @for item in items.split("\n- ") { li { (linked(item, place)) } } }
            } @else {
                p { (linked(block, place)) }
            }
        }
    }
}
