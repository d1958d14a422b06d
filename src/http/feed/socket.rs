//! A subscriber at the other end of a WebSocket: one frame a message, and nothing is heard of him.
//!
//! It must not know: what a frame says.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio_util::task::TaskTracker;
use warp::Reply;
use warp::ws::{Message, WebSocket, Ws};

use super::subscriber::{News, Subscriber};
use crate::http::kernel::reply::Response;

/// The longest message that is taken from a client, who has nothing to say.
const HEARD_BYTES_MAX: usize = 4 * 1024;
/// How long the other side may take to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// The server is restarted; the client may come back (RFC 6455, registry of close codes).
const SERVICE_RESTART: u16 = 1012;
/// The server cannot go on.
const INTERNAL_ERROR: u16 = 1011;

/// Accepts the WebSocket, and tells the subscriber over it what there is: `first`, if there is such a
/// frame, then what comes.
pub(crate) fn answer(
    upgrade: Ws,
    first: Option<String>,
    shutdown: String,
    subscriber: Subscriber,
    sockets: &TaskTracker,
) -> Response {
    let is_open = sockets.token();
    let told = move |socket| async move {
        // A client that goes away, or does not read, ends it; there is nobody to be told of that.
        let _ = tell(socket, first, shutdown, subscriber).await;
        drop(is_open);
    };
    let upgrade = upgrade.max_message_size(HEARD_BYTES_MAX).max_frame_size(HEARD_BYTES_MAX);
    upgrade.on_upgrade(told).into_response()
}

async fn tell(
    mut socket: WebSocket,
    first: Option<String>,
    shutdown: String,
    mut subscriber: Subscriber,
) -> Result<(), warp::Error> {
    if let Some(first) = first {
        socket.send(Message::text(first)).await?;
    }
    loop {
        let news = tokio::select! {
            biased;
            heard = socket.next() => match heard {
                // It is read, so that pings are answered and a goodbye is heard, and that is all.
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            news = subscriber.next() => news,
        };
        match news {
            News::Piece(piece) => {
                for frame in piece.frames() {
                    socket.feed(Message::text(String::from_utf8_lossy(&frame))).await?;
                }
                socket.flush().await?;
            }
            News::Quiet => socket.send(Message::ping(Vec::new())).await?,
            News::Stopping => {
                socket.send(Message::text(shutdown)).await?;
                let goodbye = Message::close_with(SERVICE_RESTART, "the server is stopping");
                return say_goodbye(socket, goodbye).await;
            }
            News::Over => {
                let goodbye = Message::close_with(INTERNAL_ERROR, "the feed cannot go on");
                return say_goodbye(socket, goodbye).await;
            }
        }
    }
}

/// Closes the socket, and waits a little until the other side does, too: what it was sent last would be
/// lost if the connection were cut.
async fn say_goodbye(mut socket: WebSocket, goodbye: Message) -> Result<(), warp::Error> {
    socket.send(goodbye).await?;
    let closing = async { while let Some(Ok(_)) = socket.next().await {} };
    // Whoever does not answer is not waited for.
    let _ = tokio::time::timeout(GOODBYE_MAX, closing).await;
    Ok(())
}
