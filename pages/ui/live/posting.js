/* Frames to the server: the newest one whenever a place is free, never a queue.

   At most IN_FLIGHT requests are under way; frames that come meanwhile are left out. An answer that is older
   than the one on screen, or that belongs to another model or class, is dropped. */

const IN_FLIGHT = 2; // one travels while the other is computed
const MOST_PER_SECOND = 20; // beyond this an eye gains nothing and the others of a class lose
const PATIENCE_MS = 30000; // the first frame may wait for a network to load
const RETRY_MS = [300, 700, 1500, 2500];
const JPEG_QUALITY = 0.9;

class Poster {
  constructor({ grab, onAnswer, onTrouble }) {
    this.grab = grab; // () -> canvas with the newest frame at the network's size, or null
    this.onAnswer = onAnswer; // (answer) -> whatever is drawn
    this.onTrouble = onTrouble; // (key of TROUBLES or null, the server's own sentence)
    this.address = "";
    this.running = false;
    this.inFlight = new Set();
    this.epoch = 0;
    this.numbered = 0;
    this.shown = 0;
    this.nextAt = 0;
    this.failures = 0;
    this.retryAt = 0;
    this.done = []; // [{at, latency, server}] of the last two seconds
  }

  start() {
    this.forget();
    this.running = true;
  }

  stop() {
    this.running = false;
    this.forget();
  }

  /* What is under way no longer counts: another model, another class, or a pause. */
  forget() {
    this.epoch += 1;
    for (const request of this.inFlight) request.abort();
    this.inFlight.clear();
    this.done = [];
    this.failures = 0;
    this.retryAt = 0;
  }

  /* Called with every frame of the camera. */
  offer(now) {
    if (!this.running || document.hidden) return;
    if (this.inFlight.size >= (this.failures ? 1 : IN_FLIGHT) || now < this.retryAt) return;
    if (now < this.nextAt) return;
    // counted from when it was due, not from now: the camera's own rhythm must not halve the rate
    this.nextAt = Math.max(this.nextAt + 1000 / MOST_PER_SECOND, now);
    this.send();
  }

  /* Post one frame now; also used for the single frame of a pause. */
  async send() {
    const canvas = this.grab();
    if (!canvas) return;
    const epoch = this.epoch;
    const number = (this.numbered += 1);
    const started = performance.now();
    const request = new AbortController();
    const timer = setTimeout(() => request.abort("slow"), PATIENCE_MS);
    this.inFlight.add(request);
    try {
      const body = await new Promise((ready) => canvas.toBlob(ready, "image/jpeg", JPEG_QUALITY));
      if (epoch !== this.epoch || !body) return;
      const reply = await fetch(this.address, {
        method: "POST",
        headers: { "Content-Type": "image/jpeg", Accept: "application/json" },
        body,
        cache: "no-store",
        credentials: "same-origin",
        signal: request.signal,
      });
      const answer = await reply.json().catch(() => null);
      if (epoch !== this.epoch) return;
      if (!reply.ok) this._failed(troubleOfStatus(reply.status), wordsOf(answer), reply.headers.get("Retry-After"));
      else if (!isAnswer(answer)) this._failed("garbled");
      else this._answered(number, started, answer);
    } catch (error) {
      if (epoch === this.epoch) this._failed(request.signal.aborted ? "slow" : "gone");
    } finally {
      clearTimeout(timer);
      this.inFlight.delete(request);
    }
  }

  /* {fps, latency, server, frames}: over the last two seconds; milliseconds, medians. */
  speed() {
    const now = performance.now();
    this.done = this.done.filter((item) => now - item.at < 2000);
    const span = this.done.length > 1 ? (this.done[this.done.length - 1].at - this.done[0].at) / 1000 : 0;
    return {
      frames: this.done.length,
      fps: span > 0 ? (this.done.length - 1) / span : 0,
      latency: middle(this.done.map((item) => item.latency)),
      server: middle(this.done.map((item) => item.server)),
    };
  }

  _answered(number, started, answer) {
    this.failures = 0;
    this.retryAt = 0;
    if (number < this.shown) return; // overtaken by a newer frame
    this.shown = number;
    const now = performance.now();
    this.done.push({ at: now, latency: now - started, server: Number(answer.server_ms) || 0 });
    this.onTrouble(null);
    this.onAnswer(answer);
  }

  _again(delay) {
    const epoch = this.epoch;
    setTimeout(() => epoch === this.epoch && this.send(), delay);
  }

  _failed(trouble, words, seconds) {
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    const delay = Math.max(wait, Math.min(Number(seconds) || 0, 10) * 1000);
    this.retryAt = performance.now() + delay;
    if (!this.running) this._again(delay); // the one frame of a pause: no next one will come by
    if (trouble === "busy" && this.failures === 1) return; // others had their turn: not worth a word
    this.onTrouble(trouble, words);
  }
}

function troubleOfStatus(status) {
  if (status === 404) return "missing";
  if (status === 401 || status === 403) return "barred";
  if (status === 429 || status === 503) return "busy";
  return status >= 500 ? "failed" : "refused";
}

/* The server's own sentence, where it gave one. */
function wordsOf(answer) {
  const text = answer && (answer.error || answer.detail || answer.message);
  return typeof text === "string" ? text.slice(0, 300) : "";
}

function isAnswer(answer) {
  return Boolean(
    answer &&
      Array.isArray(answer.classes) &&
      Array.isArray(answer.probabilities) &&
      answer.classes.length === answer.probabilities.length &&
      answer.classes.length > 0,
  );
}

function middle(values) {
  if (!values.length) return 0;
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
