//! Clients that follow a feed: the events of a server, and a WebSocket.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::wire::PATIENCE;

/// What a server sends as one event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) retry_ms: Option<u64>,
    pub(crate) data: Option<String>,
    pub(crate) comments: usize,
}

/// Somebody who follows by events that the server sends. What he is sent after the last whole event is lost
/// with him, as in a browser.
pub(crate) struct Stream {
    body: Incoming,
    unread: Vec<u8>,
}

impl Stream {
    /// Asks for a feed, and gives the status, too, where it is not given.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        last_id: Option<&str>,
    ) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = http::Request::get(path).header("host", "localhost");
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let answered = tokio::time::timeout(PATIENCE, sender.send_request(request));
        let response = answered.await.expect("an answer in time").unwrap();
        if response.status() != 200 {
            return Err(response.status().as_u16());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Ok(Self { body: response.into_body(), unread: Vec::new() })
    }

    /// The next block, or nothing where the server has ended it.
    pub(crate) async fn next(&mut self) -> Option<Block> {
        let mut looked = 0;
        loop {
            if let Some(at) = self.unread[looked..].windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..looked + at + 2).collect();
                return Some(read_block(std::str::from_utf8(&block).unwrap()));
            }
            looked = self.unread.len().saturating_sub(1);
            let read = tokio::time::timeout(PATIENCE, self.body.frame());
            let frame = read.await.expect("news in time")?.ok()?;
            self.unread.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
    }

    /// The data of the next event that has some, and its id. Comments, which keep a connection alive, do not
    /// make it wait longer.
    pub(crate) async fn data(&mut self) -> Option<(Option<String>, String)> {
        let data = async {
            loop {
                let block = self.next().await?;
                if let Some(data) = block.data {
                    return Some((block.id, data));
                }
            }
        };
        tokio::time::timeout(PATIENCE, data).await.expect("data in time")
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.data().await.expect("a frame").1).unwrap()
    }
}

fn read_block(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        match line.split_once(':') {
            Some(("", _)) => block.comments += 1,
            Some(("id", id)) => block.id = Some(id.trim().to_owned()),
            Some(("retry", ms)) => block.retry_ms = Some(ms.trim().parse().unwrap()),
            Some(("data", data)) => {
                assert_eq!(block.data.replace(data.trim_start().to_owned()), None, "{text}");
            }
            _ => assert_eq!(line, "", "{text}"),
        }
    }
    block
}

/// Somebody who follows by a WebSocket.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

/// What comes over a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Frame(String),
    Closed(u16),
    Cut,
}

impl Socket {
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        let url = format!("ws://localhost{path}");
        match tokio_tungstenite::client_async(url, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn next(&mut self) -> Heard {
        let heard = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Heard::Frame(text.to_string()),
                    Some(Ok(Message::Close(Some(frame)))) => {
                        return Heard::Closed(frame.code.into());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Heard::Cut,
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("news in time")
    }

    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Heard::Frame(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ping(&mut self) {
        use futures_util::SinkExt;
        self.0.send(Message::Ping(Bytes::from_static(b"?"))).await.unwrap();
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a pong in time") {
                Some(Ok(Message::Pong(bytes))) => return assert_eq!(bytes, "?"),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
