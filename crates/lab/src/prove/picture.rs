//! A run as pictures: answers over time, starts, and the versions of the events, all over the same
//! seconds and with the kills marked.
//!
//! Each is drawn in three widths, of which the page shows one, so that letters have the same size on a
//! phone and on a desktop. Colours are classes; the page's style has them.
//!
//! It must not know: how a run is made or judged.

use std::fmt::Write;

use super::findings::Findings;
use super::markup::escaped;
use super::record::{End, Life};
use super::timeline::{Line, Occasion};
use ticketboss_runtime::text::grouped;

/// The widths, in units that are about pixels, and the classes by which the page shows one of them.
const WIDTHS: [(&str, f64); 3] = [("narrow", 344.0), ("medium", 640.0), ("wide", 1010.0)];
const LEFT: f64 = 42.0;
/// Room for the names of lines, where there is some.
const NAMES_WIDTH: f64 = 58.0;
/// Narrower pictures have no names beside the lines.
const NAMED_WIDTH_MIN: f64 = 500.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 22.0;
/// How far apart the names of lines stand at least.
const NAME_HEIGHT: f64 = 14.0;
/// How wide the label of a second may be, with some room.
const SECOND_WIDTH: f64 = 64.0;
/// How high a step of the scale is at least.
const STEP_HEIGHT: f64 = 36.0;
/// More events than this are not named at their lines.
const NAMED_MAX: usize = 6;
/// How many colours lines have.
pub(super) const COLOURS: usize = 6;
/// Above this, lines of kills would hide the picture.
const KILL_LINES_MAX: usize = 150;

/// Answers for each second, by what they said.
pub(super) fn answers(findings: &Findings) -> String {
    let timeline = &findings.timeline;
    let rate = |count: u64| count * 1_000_000 / timeline.part_us;
    let mut sums = vec![vec![0; timeline.acknowledged.len()]];
    for counts in [&timeline.acknowledged, &timeline.other_answers, &timeline.unanswered] {
        let below = sums.last().cloned().unwrap_or_default();
        sums.push(below.into_iter().zip(counts).map(|(sum, count)| sum + count).collect());
    }
    let most = sums.last().and_then(|top| top.iter().max()).copied().unwrap_or(0);
    let label = "Answers per second over the time of the run, with the kills marked";
    in_each_width(label, 170.0, |width, height| {
        let frame = Frame::new(findings, width, height, rate(most));
        let mut picture = frame.scale();
        for (class, pair) in ["acknowledged", "other", "unanswered"].iter().zip(sums.windows(2)) {
            let [below, above] = pair else { continue };
            let lines = [below, above].map(|sums| sums.iter().map(|sum| rate(*sum)).collect());
            picture += &frame.area(class, timeline.part_us, &lines);
        }
        picture + &frame.kills(&findings.lives)
    })
}

/// How long each start took, and how far those came that were killed.
pub(super) fn starts(findings: &Findings) -> String {
    let longest = |life: &Life| life.start_us().unwrap_or(life.ended_us - life.began_us);
    let most = findings.lives.iter().map(longest).max().unwrap_or(0);
    in_each_width("Start-up times in milliseconds", 110.0, |width, height| {
        let frame = Frame::new(findings, width, height, most.div_ceil(1_000));
        let (mut started, mut killed) = (String::new(), String::new());
        for life in &findings.lives {
            let (x, foot) = (frame.x(life.began_us), frame.y(0.0));
            let head = frame.y(float(longest(life)) / 1_000.0);
            // Writing to a string does not fail.
            let _ = match life.ready_us {
                Some(_) => write!(started, "M{x:.1} {foot:.1}V{head:.1}"),
                None => write!(killed, "M{:.1} {:.1}l6 6m0-6l-6 6", x - 3.0, head - 3.0),
            };
        }
        frame.scale()
            + &format!("<path class=\"start\" d=\"{started}\"/>")
            + &format!("<path class=\"cut\" d=\"{killed}\"/>")
    })
}

/// The version of each event.
pub(super) fn versions(findings: &Findings) -> String {
    let lines = &findings.timeline.versions;
    let points = lines.iter().flat_map(|line| &line.points);
    let most = points.map(|point| point.version).max().unwrap_or(0);
    let label = "The version of each event over the time of the run, with the kills marked";
    in_each_width(label, 220.0, |width, height| {
        let frame = Frame::new(findings, width, height, most);
        let mut picture = frame.scale() + &frame.kills(&findings.lives);
        for (place, line) in lines.iter().enumerate() {
            picture += &frame.line(place % COLOURS, line);
        }
        if frame.has_names() { picture + &frame.names(lines) } else { picture }
    })
}

/// Draws a picture in each width.
fn in_each_width(label: &str, height: f64, draw: impl Fn(f64, f64) -> String) -> String {
    let draw_one = |(class, width): (&str, f64)| {
        format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{}\">{}</svg>\n",
            escaped(label),
            draw(width, height),
        )
    };
    WIDTHS.map(draw_one).concat()
}

/// Where things are in a picture.
struct Frame {
    width: f64,
    height: f64,
    /// Where the axis of time ends.
    right: f64,
    span_us: u64,
    /// The uppermost value, and how far apart the labelled ones are.
    most: u64,
    step: u64,
}

impl Frame {
    fn new(findings: &Findings, width: f64, height: f64, most: u64) -> Self {
        let step = step(most, (height - TOP - BOTTOM) / STEP_HEIGHT);
        let most = most.max(1).next_multiple_of(step);
        let names = findings.timeline.versions.len() <= NAMED_MAX && width >= NAMED_WIDTH_MIN;
        let right = width - if names { NAMES_WIDTH } else { RIGHT };
        Self { width, height, right, span_us: findings.took_us.max(1), most, step }
    }

    fn has_names(&self) -> bool {
        self.width - self.right > RIGHT
    }

    fn x(&self, at_us: u64) -> f64 {
        let share = float(at_us.min(self.span_us)) / float(self.span_us);
        LEFT + share * (self.right - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        self.height - BOTTOM - value / float(self.most) * (self.height - TOP - BOTTOM)
    }

    /// The lines and labels of both axes.
    fn scale(&self) -> String {
        let (mut lines, mut labels) = (String::new(), String::new());
        let (foot, right) = (self.height - BOTTOM, self.right);
        for value in multiples(self.step, self.most) {
            let y = self.y(float(value));
            let _ = write!(lines, "M{LEFT} {y:.1}H{right}");
            let (x, y, text) = (LEFT - 6.0, y + 4.0, label(value, self.step));
            let _ = write!(labels, "<text class=\"value\" x=\"{x}\" y=\"{y:.1}\">{text}</text>");
        }
        let span = self.span_us / 1_000_000;
        let step = step(span, (right - LEFT) / SECOND_WIDTH);
        for second in multiples(step, span) {
            let x = self.x(second * 1_000_000);
            let _ = write!(lines, "M{x:.1} {foot}v4");
            let y = self.height - 5.0;
            let _ =
                write!(labels, "<text class=\"second\" x=\"{x:.1}\" y=\"{y}\">{second} s</text>");
        }
        format!("<path class=\"grid\" d=\"{lines}\"/>{labels}")
    }

    /// A mark on top for each kill, shorter where it came in start-up, and a faint line below it.
    fn kills(&self, lives: &[Life]) -> String {
        let (mut at_work, mut in_start_up, mut faint) =
            (String::new(), String::new(), String::new());
        let (top, foot) = (TOP - 3.0, self.height - BOTTOM);
        for life in lives {
            let x = self.x(life.ended_us);
            let _ = match life.end {
                End::KilledAtWork => write!(at_work, "M{x:.1} {top}v-10"),
                End::KilledInStartUp => write!(in_start_up, "M{x:.1} {top}v-5"),
                End::Stopped | End::Bad => continue,
            };
            let _ = write!(faint, "M{x:.1} {TOP}V{foot}");
        }
        if lives.len() > KILL_LINES_MAX {
            faint.clear();
        }
        format!(
            "<path class=\"faint\" d=\"{faint}\"/><path class=\"kill\" d=\"{at_work}\"/>\
             <path class=\"early\" d=\"{in_start_up}\"/>"
        )
    }

    /// The area between two lines of steps.
    fn area(&self, class: &str, part_us: u64, lines: &[Vec<u64>; 2]) -> String {
        let [below, above] = lines;
        let x = |part: usize| self.x(part as u64 * part_us);
        let mut path = format!("M{:.1} {:.1}", self.x(0), self.y(0.0));
        for (part, value) in above.iter().enumerate() {
            let _ = write!(path, "V{:.1}H{:.1}", self.y(float(*value)), x(part + 1));
        }
        for (part, value) in below.iter().enumerate().rev() {
            let _ = write!(path, "V{:.1}H{:.1}", self.y(float(*value)), x(part));
        }
        format!("<path class=\"{class}\" d=\"{path}Z\"/>")
    }

    /// A line through all points, and a dot where a start has read one back.
    fn line(&self, colour: usize, line: &Line) -> String {
        let (mut path, mut dots) = (String::new(), String::new());
        for point in &line.points {
            let (x, y) = (self.x(point.at_us), self.y(float(point.version)));
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{x:.1} {y:.1}");
            if point.told == Occasion::AtStart {
                let _ = write!(dots, "M{x:.1} {y:.1}h0");
            }
        }
        format!(
            "<path class=\"line c{colour}\" d=\"{path}\"/><path class=\"dots c{colour}\" d=\"{dots}\"/>"
        )
    }

    /// The name of each line at its end, with room between them.
    fn names(&self, lines: &[Line]) -> String {
        let ends = lines.iter().enumerate().filter_map(|(place, line)| {
            Some((self.y(float(line.points.last()?.version)), place, line))
        });
        let mut ends = ends.collect::<Vec<_>>();
        ends.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
        let mut names = String::new();
        let mut lowest = self.height - BOTTOM;
        for (y, place, line) in ends {
            lowest = y.min(lowest);
            let (x, name) = (self.right + 6.0, escaped(&line.event_id));
            let colour = place % COLOURS;
            let y = lowest + 4.0;
            let _ = write!(
                names,
                "<text class=\"name c{colour}\" x=\"{x}\" y=\"{y:.1}\">{name}</text>"
            );
            lowest -= NAME_HEIGHT;
        }
        names
    }
}

/// Every multiple of `step` up to `most`.
fn multiples(step: u64, most: u64) -> impl Iterator<Item = u64> {
    (0..=most / step).map(move |number| number * step)
}

/// The least of 1, 2, 5, 10, 20, … that reaches `most` in at most so many steps.
fn step(most: u64, steps_max: f64) -> u64 {
    let least = float(most) / steps_max.max(1.0);
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if float(power * factor) >= least {
                return power * factor;
            }
        }
        power *= 10;
    }
}

/// A value of a scale with such steps, in few characters.
fn label(value: u64, step: u64) -> String {
    match step {
        _ if value == 0 => "0".to_owned(),
        2_000.. if step < 1_000_000 => format!("{}k", grouped(value / 1_000)),
        1_000_000.. => format!("{}M", grouped(value / 1_000_000)),
        _ => grouped(value),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture is drawn roughly")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_few_round_steps() {
        assert_eq!(step(0, 4.0), 1);
        assert_eq!(step(4, 4.0), 1);
        assert_eq!(step(5, 4.0), 2);
        assert_eq!(step(4_100, 4.0), 2_000);
        assert_eq!(step(61, 4.0), 20);
        assert_eq!(step(10, 0.3), 10);
        assert_eq!(multiples(20, 61).collect::<Vec<_>>(), [0, 20, 40, 60]);
    }

    #[test]
    fn a_label_is_short() {
        assert_eq!(label(0, 5_000), "0");
        assert_eq!(label(1_500, 500), "1,500");
        assert_eq!(label(20_000, 5_000), "20k");
        assert_eq!(label(3_000_000, 1_000_000), "3M");
    }
}
