/* Sentences of the live view: what is said of a frame, of the last second, of the speed.
   Numbers are written as core/figures/text.py writes them. */

const GAP = "\u00a0";

let WORDS = {}; // key -> text in the reader's language, from pages/ui/live_words.py
let CLASS_NAMES = {}; // a class -> what the reader calls it

function speak(settings) {
  WORDS = settings.words;
  CLASS_NAMES = settings.class_names;
}

/* The text of a key, its {fields} filled in. */
function say(key, values = {}) {
  return (WORDS[key] || "").replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function named(name) {
  return CLASS_NAMES[name] || name;
}

function percent(value) {
  if (value > 0 && value < 0.01) return say("under", { share: `1${GAP}%` });
  if (value > 0.99 && value < 1) return say("over", { share: `99${GAP}%` });
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

/* What is said of one frame: first whether the network should be asked at all, as the Predict page has it. */
function sentenceOf(answer, settings) {
  const answered = answeredBy(answer, settings);
  const gate = answer.out_of_distribution;
  if (gate && gate.flagged) return `${settings.unlike} ${answered}`;
  return answer.refer ? `${settings.referred} ${answered}` : answered;
}

/* What the network gives for one frame and what it therefore calls it. */
function answeredBy(answer, settings) {
  if (settings.task === "binary") {
    const positive = answer.positive_class;
    const other = answer.classes.find((name) => name !== positive);
    const [score, cut] = percentPair(scoreOf(answer, positive), answer.threshold);
    const isPositive = answer.verdict === "positive";
    const called = named(isPositive ? positive : other);
    return say(isPositive ? "positive" : "negative", { positive: named(positive), score, cut, called });
  }
  if (settings.task === "multilabel") {
    const called = answer.classes.filter((name) => scoreOf(answer, name) >= settings.cuts[name]);
    if (!called.length) return say("noneCalled", { count: answer.classes.length });
    return say("called", { names: called.map((name) => `${named(name)} (${percent(scoreOf(answer, name))})`).join(", ") });
  }
  const ranked = [...answer.classes].sort((a, b) => scoreOf(answer, b) - scoreOf(answer, a));
  return say("ranked", {
    first: named(ranked[0]),
    share: percent(scoreOf(answer, ranked[0])),
    count: ranked.length,
    second: named(ranked[1]),
    next: percent(scoreOf(answer, ranked[1])),
  });
}

/* How far the shown class moved within the last second: scores of [{at, answer}], never their mean alone. */
function spreadOf(recent, name, settings) {
  const scores = recent.map((item) => scoreOf(item.answer, name));
  if (scores.length < 2) return "";
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const cut = settings.task === "multiclass" ? undefined : settings.cuts[name];
  const both = cut !== undefined && low < cut && high >= cut;
  const [least, most] = [percent(low), percent(high)];
  const range = least === most ? least : say("range", { low: least, high: most });
  return say(both ? "spreadBoth" : "spread", { count: scores.length, name: named(name), range });
}

function speedOf(speed) {
  if (!speed.frames) return "";
  return say("speed", {
    fps: speed.fps.toFixed(0),
    latency: `${speed.latency.toFixed(0)}${GAP}ms`,
    server: `${speed.server.toFixed(0)}${GAP}ms`,
  });
}
