/* Words of the live view: troubles with what to do, the sentence of a frame, the spread of the last second.
   Numbers are written as core/figures/text.py writes them. */

const GAP = "\u00a0";

const TROUBLES = {
  insecure:
    "The browser lends its camera only to pages under HTTPS or on localhost. Open this page at http://localhost on " +
    "the machine that runs it, or have it served under HTTPS.",
  unsupported: "This browser cannot lend a camera to a page. A current Chrome, Edge, Firefox or Safari can.",
  denied:
    "The camera was not allowed. Allow it for this page in the browser's address bar (or in the settings of the " +
    "device), then start again.",
  none: "No camera was found. Connect one, or open this page on a phone, then start again.",
  used: "The camera is in use by another program. Close that one, then start again.",
  lost: "The camera went away: it was unplugged or taken by another program. Connect it, then start again.",
  hidden: "The camera was let go because this tab was in the background for a minute. Start it again when you need it.",
  busy: "The server is busy with other pictures; the next frame follows in a moment.",
  waiting: "Waiting for the server's answer. The first one takes a moment, while the network is loaded.",
  failed: "Something went wrong on the server; trying again.",
  refused: "The server refused the frame; trying again.",
  barred: "The server does not answer this page. Reload it: you may have to sign in again.",
  missing: "This model is no longer on the server. Choose another one.",
  gone: "The server does not answer; trying again. If it stays so, check that MedLens is still running.",
  slow: "The server took too long for a frame; trying again.",
  garbled: "The server's answer was not understood. Reload this page; it may be older than the server.",
};

function percent(value) {
  if (value > 0 && value < 0.01) return `under 1${GAP}%`;
  if (value > 0.99 && value < 1) return `over 99${GAP}%`;
  return `${Math.round(100 * value)}${GAP}%`;
}

/* Two shares that must not read alike when they differ: rounding must not make "41 % is below 41 %". */
function percentPair(value, cut) {
  const pair = [percent(value), percent(cut)];
  return pair[0] === pair[1] ? [value, cut].map((v) => `${(100 * v).toFixed(1)}${GAP}%`) : pair;
}

/* The class that a view shows first: the positive one, or the most probable. */
function firstClass(answer) {
  if (answer.positive_class && answer.classes.includes(answer.positive_class)) return answer.positive_class;
  return answer.classes[answer.probabilities.indexOf(Math.max(...answer.probabilities))];
}

function scoreOf(answer, name) {
  return answer.probabilities[answer.classes.indexOf(name)];
}

/* What the network gives for one frame and what it therefore calls it. */
function sentenceOf(answer, settings) {
  if (settings.task === "binary") {
    const positive = answer.positive_class;
    const other = answer.classes.find((name) => name !== positive);
    const [score, cut] = percentPair(scoreOf(answer, positive), answer.threshold);
    const isPositive = answer.verdict === "positive";
    const side = isPositive ? "above" : "below";
    return `${positive} ${score}, ${side} the cut of ${cut}: the network calls this frame ${isPositive ? positive : other}.`;
  }
  if (settings.task === "multilabel") {
    const called = answer.classes.filter((name) => scoreOf(answer, name) >= settings.cuts[name]);
    if (!called.length) return `None of the ${answer.classes.length} findings reaches its cut on this frame.`;
    return `At its cuts the network calls: ${called.map((name) => `${name} (${percent(scoreOf(answer, name))})`).join(", ")}.`;
  }
  const ranked = [...answer.classes].sort((a, b) => scoreOf(answer, b) - scoreOf(answer, a));
  return (
    `${ranked[0]} ${percent(scoreOf(answer, ranked[0]))}, more than to any other of ${ranked.length} answers; ` +
    `next is ${ranked[1]} with ${percent(scoreOf(answer, ranked[1]))}.`
  );
}

/* How far the shown class moved within the last second: scores of [{at, answer}], never their mean alone. */
function spreadOf(recent, name, settings) {
  const scores = recent.map((item) => scoreOf(item.answer, name));
  if (scores.length < 2) return "";
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const cut = settings.task === "multiclass" ? undefined : settings.cuts[name];
  const sides = cut !== undefined && low < cut && high >= cut ? ", on both sides of the cut" : "";
  const range = percent(low) === percent(high) ? percent(low) : `${percent(low)} to ${percent(high)}`;
  return `Last second, ${scores.length} frames: ${name} ${range}${sides}.`;
}

function speedOf(speed) {
  if (!speed.frames) return "";
  return (
    `${speed.fps.toFixed(0)} frames a second, answered after ${speed.latency.toFixed(0)}${GAP}ms ` +
    `(${speed.server.toFixed(0)}${GAP}ms of it on the server)`
  );
}
