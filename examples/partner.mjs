#!/usr/bin/env node
// A partner in JavaScript, for Node 18 or later and without packages: holds two seats, confirms them, and
// follows what happens. In a browser, `new EventSource(url)` does what `follow` does here.
//
//   node examples/partner.mjs http://127.0.0.1:8000 node-meetup-2025

import { randomUUID } from "node:crypto";

const [server = "http://127.0.0.1:8000", eventId = "node-meetup-2025"] = process.argv.slice(2);
const event = `${server}/v1/events/${eventId}`;
const TRIES = 5;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A refusal, or no answer for so long: asking again would not help. */
class Failed extends Error {}

/** Asks until there is an answer. A key makes that safe: what is asked twice is done once. */
async function ask(method, path, body) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": randomUUID() };
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      const answer = await fetch(event + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.ok) return await answer.json();
      if (answer.status < 500) {
        // A problem (RFC 9457): `code` is for programs, `detail` for people.
        const { code, detail } = await answer.json();
        throw new Failed(`${code}: ${detail}`);
      }
    } catch (error) {
      if (error instanceof Failed) throw error;
    }
    await pause(100 * 2 ** attempt);
  }
  throw new Failed("the server does not answer");
}

/** The frames after a version, for ever: whoever loses the connection goes on where he was. */
async function* follow(since) {
  for (;;) {
    try {
      const answer = await fetch(`${event}/feed`, { headers: { "Last-Event-ID": String(since) } });
      if (answer.status >= 500) throw new Error("later, perhaps");
      if (!answer.ok) throw new Failed(`the feed is refused: ${answer.status}`);
      let [unread, version] = ["", since];
      for await (const bytes of answer.body.pipeThrough(new TextDecoderStream())) {
        const lines = (unread + bytes).split("\n");
        unread = lines.pop();
        for (const line of lines) {
          if (line.startsWith("id: ")) version = line.slice(4);
          if (line.startsWith("data: ")) {
            // Only now: the connection may end between a version and its frame, or within it.
            since = version;
            yield JSON.parse(line.slice(6));
          }
        }
      }
    } catch (error) {
      if (error instanceof Failed) throw error;
    }
    await pause(1_000);
  }
}

try {
  const { version } = await ask("GET", "");
  const held = await ask("POST", "/reservations", { partnerId: "js-partner", seats: 2, hold: 60 });
  console.log(`holds 2 seats as ${held.reservationId} until ${held.expiresAt}`);
  console.log((await ask("POST", `/reservations/${held.reservationId}/confirm`)).status);
  for await (const frame of follow(version)) {
    if (frame.reservationId !== held.reservationId) continue;
    console.log(`version ${frame.version}: ${frame.type}`);
    if (frame.type === "confirmed") break;
  }
} catch (error) {
  if (!(error instanceof Failed)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
