/**
 * The dashboard's behaviour: watches the sale of the event, reserves and cancels, and tells what came of it.
 * What a server or a user wrote reaches the page as text, never as markup. URLs are absolute: the server shows the
 * page at every address that it does not know.
 *
 * @typedef {{eventId: string, name: string, totalSeats: number, availableSeats: number,
 *   reservationCount: number, version: number}} Summary
 * @typedef {{id: string, seats: number, partner: string}} Own  a reservation made from this page
 * @typedef {{status: number, body: any, retryAfter: number}} Answer  `body` is null unless it was JSON
 */

const RESERVATIONS = "/reservations/";
const POLL_MS = 1000;
const POLL_MAX_MS = 10_000;
const POLL_TIMEOUT_MS = 5000;
const ACTION_TIMEOUT_MS = 15_000;
const KEPT = 50;
const CHECK_FIRST = "Check the numbers before you try again.";

/**
 * The element of that id; a page that lacks it is a mistake to find at once.
 * @template {HTMLElement} T
 * @param {string} id @param {new () => T} type
 * @returns {T}
 */
function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page lacks #${id}`);
  return element;
}

const connection = byId("connection", HTMLElement);
const level = byId("level", HTMLMeterElement);
const levelText = byId("level-text", HTMLElement);
const partner = byId("partner", HTMLInputElement);
const seats = byId("seats", HTMLInputElement);
const reserveButton = byId("reserve", HTMLButtonElement);
const cancelId = byId("cancel-id", HTMLInputElement);
const cancelButton = byId("cancel", HTMLButtonElement);
const messages = byId("messages", HTMLElement);
const ownList = byId("own", HTMLElement);

/** @param {string} tag @param {...(Node | string)} children */
function make(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

/** @param {number} count @param {string} noun */
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

// ---- Talking to the server ----

/**
 * Sends a request and reads the whole answer, of any status. Rejects only if there is no answer.
 * @param {string} method @param {string} url @param {number} timeout @param {object} [json]
 * @returns {Promise<Answer>}
 */
async function send(method, url, timeout, json) {
  const response = await fetch(url, {
    method,
    // The browser asks with If-None-Match, and turns "304" back into the answer it has.
    cache: "no-cache",
    signal: AbortSignal.timeout(timeout),
    headers: json && { "Content-Type": "application/json" },
    body: json && JSON.stringify(json),
  });
  const text = await response.text();
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return { status: response.status, body: parse(text), retryAfter };
}

/** Null for what is no JSON: a proxy may answer with a page of its own. @param {string | null} text */
function parse(text) {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return null;
  }
}

/** Says why the server refused, in its own words where it gave some. @param {Answer} answer */
function reason({ status, body, retryAfter }) {
  const details = Array.isArray(body?.errors) ? body.errors.map((/** @type {any} */ e) => e?.detail) : [];
  const words = new Set([body?.error ?? body?.title, ...(details.length ? details : [body?.detail])]);
  const said = [...words].filter((word) => typeof word === "string" && word).map(sentence);
  if (said.length === 0) said.push(`The server answered ${status} and gave no reason. ${CHECK_FIRST}`);
  // Nobody knows whether it was done: to do it again as it is might do it twice.
  if (body?.code === "unavailable") said.push(CHECK_FIRST);
  else if (retryAfter > 0) said.push(`Try again in ${plural(retryAfter, "second")}.`);
  return said.join(" ");
}

/** @param {string} text */
const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** What to quote when asking for help. @param {Answer} answer */
function reference({ status, body }) {
  return [status, body?.code, body?.requestId].filter(Boolean).join(" · ");
}

// ---- Watching the sale ----

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let polling = false;
let pollAgain = false;
let failures = 0;
let seenAt = "";

/** Shows the summary and plans the next time. Polls never overlap, so that no old answer hides a newer one. */
async function poll() {
  clearTimeout(timer);
  if (polling) {
    // The answer on its way may be older than what the caller just did.
    pollAgain = true;
    return;
  }
  polling = true;
  const wait = await pollOnce();
  polling = false;
  if (document.hidden) {
    showConnection("paused", "Paused");
  } else {
    timer = setTimeout(poll, pollAgain ? 0 : wait);
  }
  pollAgain = false;
}

/** @returns {Promise<number>} how long to wait before the next poll */
async function pollOnce() {
  try {
    const answer = await send("GET", RESERVATIONS, POLL_TIMEOUT_MS);
    if (answer.status !== 200 || !isSummary(answer.body)) {
      return pollFailed(`The server is in trouble (${answer.status})`);
    }
    failures = 0;
    showSummary(answer.body);
    return POLL_MS;
  } catch {
    return pollFailed("No connection");
  }
}

/** @param {string} what */
function pollFailed(what) {
  failures += 1;
  const since = seenAt && ` Numbers are from ${seenAt}.`;
  showConnection("lost", `${what}, trying again.${since}`);
  return Math.min(POLL_MAX_MS, POLL_MS * 2 ** (failures - 1));
}

/** @param {any} body @returns {body is Summary} */
function isSummary(body) {
  const numbers = ["totalSeats", "availableSeats", "reservationCount", "version"];
  return numbers.every((key) => Number.isFinite(body?.[key]));
}

/** @param {Summary} summary */
function showSummary({ name, totalSeats, availableSeats, reservationCount, version }) {
  byId("event-name", HTMLElement).textContent = name;
  showNumber("available", availableSeats);
  showNumber("total", totalSeats);
  showNumber("sold", totalSeats - availableSeats);
  showNumber("reservations", reservationCount);
  showNumber("version", version);
  showLevel(availableSeats, totalSeats);
  const left = availableSeats > 0 ? `${availableSeats} of ${totalSeats} left` : "Sold out";
  document.title = `${left} · ${name} · TicketBoss`;
  seenAt = new Date().toLocaleTimeString();
  showConnection("live", "Live");
}

/** People read the number with separators, programs the bare `value`. @param {string} id @param {number} value */
function showNumber(id, value) {
  const element = byId(id, HTMLDataElement);
  element.value = String(value);
  element.textContent = value.toLocaleString("en");
}

/** @param {number} available @param {number} total */
function showLevel(available, total) {
  level.max = Math.max(total, 1);
  level.low = total / 10;
  level.optimum = level.max;
  level.value = available;
  const share = available / Math.max(total, 1);
  const percent = share > 0 && share < 0.01 ? "less than 1%" : `${Math.floor(share * 100)}%`;
  const few = share <= 0.1;
  levelText.className = few ? "few" : "";
  levelText.textContent = available <= 0 ? "Sold out" : few ? `Few left: ${percent}` : `${percent} available`;
}

/** A screen reader repeats what is written, so only a change is. @param {string} state @param {string} text */
function showConnection(state, text) {
  document.body.classList.toggle("stale", state === "lost" && seenAt !== "");
  if (connection.textContent === text) return;
  connection.dataset.state = state;
  connection.textContent = text;
  if (state === "lost") document.title = `No connection · ${document.title.replace(/^No connection · /, "")}`;
}

function onVisibility() {
  if (!document.hidden) {
    poll();
  } else if (!polling) {
    clearTimeout(timer);
    showConnection("paused", "Paused");
  }
}

// ---- Messages ----

/**
 * Tells what happened, newest first. An error is an alert of its own inside the quieter status region.
 * @param {"good" | "bad"} kind @param {string} text @param {string} [small]
 */
function tell(kind, text, small = "") {
  const now = new Date();
  const said = make("p", text);
  if (kind === "bad") said.setAttribute("role", "alert");
  const time = make("time", now.toLocaleTimeString());
  time.setAttribute("datetime", now.toISOString());
  const item = make("li", said, make("small", time, small && ` · ${small}`));
  item.className = kind;
  messages.prepend(item);
  while (messages.children.length > KEPT) messages.lastElementChild?.remove();
  messages.parentElement?.scrollTo(0, 0);
}

// ---- Reservations made from this page ----

/** Where the browser forbids storage, the page works without. @param {() => string | null | void} use */
function tryStorage(use) {
  try {
    return use() ?? null;
  } catch {
    return null;
  }
}

/** @type {Own[]} newest first */
let own = [];

/** @param {Own} reservation */
function addOwn(reservation) {
  own = [reservation, ...own].slice(0, KEPT);
  ownList.prepend(ownItem(reservation));
  while (ownList.children.length > KEPT) ownList.lastElementChild?.remove();
  saveOwn();
}

/** @param {string} id */
function removeOwn(id) {
  const index = own.findIndex((reservation) => reservation.id === id);
  if (index < 0) return;
  own.splice(index, 1);
  ownList.children[index].remove();
  saveOwn();
}

/** @param {Own} reservation */
function ownItem({ id, seats, partner }) {
  const button = /** @type {HTMLButtonElement} */ (make("button", "Cancel"));
  button.type = "button";
  button.setAttribute("aria-label", `Cancel ${plural(seats, "seat")} of ${partner}, ${id}`);
  button.addEventListener("click", async () => {
    await whileBusy(button, () => cancel(id));
    // Who works with the keyboard stays at the list instead of being thrown to the top of the page.
    if (!button.isConnected) byId("own-title", HTMLElement).focus({ preventScroll: true });
  });
  return make("li", make("span", `${plural(seats, "seat")}, ${partner}`, make("small", id)), button);
}

function saveOwn() {
  tryStorage(() => sessionStorage.setItem("ticketboss.own", JSON.stringify(own)));
}

function loadOwn() {
  const saved = parse(tryStorage(() => sessionStorage.getItem("ticketboss.own")));
  if (Array.isArray(saved)) saved.reverse().filter((item) => typeof item?.id === "string").forEach(addOwn);
}

// ---- Reserving and cancelling ----

/**
 * Runs `work` with the button disabled, so that a second click does nothing, then refreshes the summary.
 * @param {HTMLButtonElement} button @param {() => Promise<void>} work
 */
async function whileBusy(button, work) {
  if (button.disabled) return;
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
    // A disabled button loses the focus; give it back unless it has moved on.
    if (hadFocus && document.activeElement === document.body) button.focus();
    poll();
  }
}

async function reserve() {
  const wanted = { partnerId: partner.value.trim(), seats: seats.valueAsNumber };
  let answer;
  try {
    answer = await send("POST", RESERVATIONS, ACTION_TIMEOUT_MS, wanted);
  } catch {
    return tell("bad", `No answer, so the seats may or may not be reserved. ${CHECK_FIRST}`);
  }
  if (answer.status !== 201) {
    return tell("bad", reason(answer), reference(answer));
  }
  const { reservationId: id, seats: got = wanted.seats, version } = answer.body ?? {};
  const given = id ? `${id} · version ${version}` : "The answer held no reservation id.";
  tell("good", `Reserved ${plural(got, "seat")} for ${wanted.partnerId}.`, given);
  if (typeof id === "string") addOwn({ id, seats: got, partner: wanted.partnerId });
}

/** @param {string} id */
async function cancel(id) {
  let answer;
  try {
    answer = await send("DELETE", RESERVATIONS + encodeURIComponent(id), ACTION_TIMEOUT_MS);
  } catch {
    return tell("bad", "No answer. It is safe to cancel again: seats are given back only once.", id);
  }
  const mine = own.find((reservation) => reservation.id === id);
  if (answer.status === 204) {
    const what = mine ? `${plural(mine.seats, "seat")} of ${mine.partner}` : "the reservation";
    tell("good", `Cancelled ${what}.`, id);
  } else {
    tell("bad", reason(answer), `${id} · ${reference(answer)}`);
  }
  // A 404 in the server's own words means the reservation is gone; a stranger's 404 proves nothing.
  if (answer.status === 204 || (answer.status === 404 && answer.body?.error)) {
    removeOwn(id);
    if (cancelId.value.trim() === id) cancelId.value = "";
  }
}

// ---- Wiring ----

/** @param {string} id @param {HTMLButtonElement} button @param {() => Promise<void>} work */
function onSubmit(id, button, work) {
  byId(id, HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(button, work);
  });
}

partner.value = tryStorage(() => localStorage.getItem("ticketboss.partner")) ?? "";
partner.addEventListener("change", () => {
  tryStorage(() => localStorage.setItem("ticketboss.partner", partner.value.trim()));
});
byId("fewer", HTMLElement).addEventListener("click", () => seats.stepDown());
byId("more", HTMLElement).addEventListener("click", () => seats.stepUp());
onSubmit("reserve-form", reserveButton, reserve);
onSubmit("cancel-form", cancelButton, () => cancel(cancelId.value.trim()));
document.addEventListener("visibilitychange", onVisibility);
addEventListener("online", poll);
loadOwn();
poll();
