//! A connection's stream, with an end to the patience for its client.
//!
//! hyper puts a limit on how long a head may take and `http` one on a body. What is left is a client that
//! does not read: a write that makes no progress ends the connection. And a client that is told no while
//! it is still sending: if the connection were closed over what it has sent, the system would reset it,
//! and a client that cannot send often does not look for its answer. So after the last answer what still
//! comes is dropped for a while.
//!
//! The stream also notes, for when places run out, whether it is the client who is awaited. It must not
//! know HTTP: hyper reads when it wants something of the client, and not while a request is worked on.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::places::Place;
use crate::http::LongWait;

/// How long what a client still sends is dropped, after it was told the last thing.
const LINGER_MAX: Duration = Duration::from_secs(2);
/// Nothing is expected any more from a client that has sent nothing for so long.
const LINGER_PAUSE: Duration = Duration::from_millis(500);
/// How much of that is read at once.
const DROPPED_BYTES: usize = 8 * 1024;

#[derive(Debug)]
pub(super) struct ClientStream {
    stream: TcpStream,
    place: Place,
    write_timeout: Duration,
    long_wait: LongWait,
    /// When a write that waits is given up. Made when one has to wait, which is rare.
    write_deadline: Option<Pin<Box<Sleep>>>,
    /// Until when what the client still sends is dropped.
    lingering: Option<Lingering>,
    /// Whether the client has said that it sends nothing more.
    has_ended: bool,
}

#[derive(Debug)]
struct Lingering {
    until: Instant,
    pause: Pin<Box<Sleep>>,
}

impl ClientStream {
    pub(super) fn new(
        stream: TcpStream,
        place: Place,
        write_timeout: Duration,
        long_wait: LongWait,
    ) -> Self {
        Self {
            stream,
            place,
            write_timeout,
            long_wait,
            write_deadline: None,
            lingering: None,
            has_ended: false,
        }
    }

    /// Takes in how a write went; one that waits has a limit.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.place.await_client(context)?;
            let deadline = self
                .write_deadline
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.write_timeout)));
            ready!(deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.write_deadline.take().is_some() {
            self.place.heard_client();
        }
        self.place.answered_client();
        written
    }

    /// Whether the client has closed its side. Where it has not, the task is woken when it does; unless it
    /// has sent more, behind which nothing is seen.
    fn has_hung_up(&self, context: &mut Context<'_>) -> bool {
        let mut byte = [0];
        let peeked = self.stream.poll_peek(context, &mut ReadBuf::new(&mut byte));
        matches!(peeked, Poll::Ready(Ok(0) | Err(_)))
    }

    /// Drops what still comes, until the client ends, pauses, or its time is up.
    fn drop_the_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| Lingering {
            until: Instant::now() + LINGER_MAX,
            pause: Box::pin(tokio::time::sleep(LINGER_PAUSE)),
        });
        loop {
            let mut bytes = [0; DROPPED_BYTES];
            let mut dropped = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut dropped) {
                Poll::Pending => {
                    let is_recalled = self.place.await_client(context).is_err();
                    let is_over = lingering.pause.as_mut().poll(context).is_ready();
                    return if is_recalled || is_over { Poll::Ready(()) } else { Poll::Pending };
                }
                Poll::Ready(Ok(())) if !dropped.filled().is_empty() => {
                    let now = Instant::now();
                    if now >= lingering.until {
                        return Poll::Ready(());
                    }
                    lingering.pause.as_mut().reset(now + LINGER_PAUSE);
                }
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled_before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            self.place.await_client(context)?;
            return Poll::Pending;
        }
        self.place.heard_client();
        self.has_ended = buffer.filled().len() == filled_before;
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes whenever it has nothing to write, and so also while its client waits.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.long_wait.is_on() && self.has_hung_up(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        if !self.has_ended {
            ready!(self.drop_the_rest(context));
        }
        Poll::Ready(Ok(()))
    }
}
