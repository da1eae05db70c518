/* The live view: wires camera, posting and drawing to the buttons; one view per place on a page.

   The files of this folder are joined into one module by pages/ui/live_camera.py, this one last: a component
   without a build step has no neighbours to import. */

const WORDS_PER_SECOND = 5; // words that change faster cannot be read; the map follows every answer
const SPOKEN_EVERY_MS = 5000; // for those who listen
const PATIENT_MS = 1500; // an answer that is older no longer belongs to the picture that it lies on
const HIDDEN_RELEASE_MS = 60000;
const SNAPSHOT_QUALITY = 0.92;

class LiveView {
  constructor(root) {
    this.root = root;
    this.parts = {};
    for (const element of root.querySelectorAll("[data-part]")) this.parts[element.dataset.part] = element;
    this.state = "off"; // off, asking, running, paused
    this.settings = null;
    this.answer = null;
    this.recent = []; // [{at, answer}] of the last second
    this.wordsAt = 0;
    this.heardAt = 0;
    this.troubled = null;
    this.spokenAt = 0;
    this.sheet = document.createElement("canvas"); // the frame as the network takes it
    this.camera = new Camera(this.parts.video, () => this.off("lost"));
    this.bars = new Bars(this.parts.classes);
    this.poster = new Poster({
      grab: () => this.grab(),
      onAnswer: (answer) => this.show(answer),
      onTrouble: (trouble, words) => this.trouble(trouble, words),
    });
    this.onVisible = () => this.visibility();
    this.onLeave = () => this.off();
    document.addEventListener("visibilitychange", this.onVisible);
    window.addEventListener("pagehide", this.onLeave);
    this.parts.video.onresize = () => this.state === "running" && this.fit();
    this.parts.main.onclick = () => this.press();
    this.parts.stop.onclick = () => this.off(null, true);
    this.parts.snapshot.onclick = () => this.snapshot();
    this.parts.cameras.onchange = () => this.start(this.parts.cameras.value);
  }

  /* New settings from the page: model, class of the map, strength, mirror. The camera stays. */
  update(settings, send) {
    const before = this.settings;
    this.settings = settings;
    speak(settings);
    if (!before || before.words.start !== settings.words.start) this.label();
    this.send = send;
    this.poster.address = settings.address;
    this.parts.stage.classList.toggle("mirrored", settings.mirror);
    for (const [name, color] of Object.entries(settings.colors)) this.parts.answer.style.setProperty(`--${name}`, color);
    drawRamp(this.parts.ramp, settings);
    if (before && before.address !== settings.address) {
      this.forgetAnswer(before.model !== settings.model);
      this.trouble(null);
      if (this.state === "paused") this.poster.send();
    } else if (this.answer) {
      this.draw();
    }
  }

  /* The words that do not change: in the reader's language, again when it was switched. */
  label() {
    for (const element of this.root.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
    for (const element of this.root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
    this.bars.reset();
    this.become(this.state);
    if (this.answer) this.say(performance.now());
  }

  /* Unmounted: the page was left. */
  close() {
    document.removeEventListener("visibilitychange", this.onVisible);
    window.removeEventListener("pagehide", this.onLeave);
    this.off();
  }

  press() {
    if (this.state === "off") this.start();
    else if (this.state === "running") this.pause();
    else if (this.state === "paused") this.resume();
  }

  async start(deviceId) {
    this.poster.stop();
    this.forgetAnswer(true);
    this.trouble(null);
    this.become("asking");
    try {
      await this.camera.take(deviceId);
    } catch (fault) {
      if (fault && "trouble" in fault) {
        if (fault.trouble) this.off(fault.trouble);
        return;
      }
      throw fault;
    }
    this.fit();
    this.resume();
    this.nextFrame();
    await this.listCameras();
  }

  pause() {
    const { video, frozen } = this.parts;
    copyFrame(video, frozen, video.videoWidth, video.videoHeight);
    this.poster.stop();
    this.become("paused");
    this.poster.send(); // the frozen frame itself, once: what is on screen and what is said belong together
  }

  resume() {
    this.fit();
    this.become("running");
    this.recent = [];
    this.heardAt = performance.now();
    this.poster.start();
  }

  /* Let go of the camera, with the reason where there is one. */
  off(trouble = null, focus = false) {
    this.poster.stop();
    this.camera.release();
    this.forgetAnswer(true);
    clearTimeout(this.hiddenTimer);
    this.become("off");
    this.trouble(trouble);
    if (focus) this.parts.main.focus(); // the button that was pressed is gone
  }

  become(state) {
    this.state = state;
    const { main, snapshot, stop, chooser, frozen, curtain, flag, legend } = this.parts;
    const live = state === "running" || state === "paused";
    main.textContent = say({ running: "pause", paused: "resume", asking: "asking" }[state] || "start");
    main.disabled = state === "asking";
    snapshot.hidden = stop.hidden = legend.hidden = !live;
    chooser.hidden = !live || this.parts.cameras.options.length < 2;
    frozen.hidden = state !== "paused";
    flag.hidden = state !== "paused";
    flag.textContent = say("paused");
    curtain.hidden = live;
    curtain.textContent = say(state === "asking" ? "allowed" : "off");
  }

  async listCameras() {
    const cameras = await this.camera.list();
    const options = cameras.map(({ id, name }) => {
      const option = document.createElement("option");
      option.value = id;
      option.textContent = name;
      return option;
    });
    this.parts.cameras.replaceChildren(...options);
    this.parts.cameras.value = this.camera.current() || "";
    if (this.state !== "off") this.become(this.state);
  }

  /* Once per frame of the camera; the browser calls nobody while the tab is hidden. */
  nextFrame() {
    const { video } = this.parts;
    const again = () => {
      if (!this.camera.stream) return;
      if (!video.isConnected) {
        this.off(); // the place on the page is gone
        return;
      }
      const now = performance.now();
      this.poster.offer(now);
      if (this.state === "running" && !this.troubled && now - this.heardAt > PATIENT_MS) this.trouble("waiting");
      this.nextFrame();
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(again);
    else requestAnimationFrame(again);
  }

  grab() {
    return this.settings && networkFrame(this.source(), this.sheet, this.settings);
  }

  source() {
    return this.state === "paused" ? this.parts.frozen : this.parts.video;
  }

  show(answer) {
    const now = performance.now();
    this.answer = answer;
    this.heardAt = now;
    this.recent = [...this.recent, { at: now, answer }].filter((item) => now - item.at <= 1000);
    this.parts.answer.hidden = false;
    this.draw();
    if (this.state === "paused" || now - this.wordsAt >= 1000 / WORDS_PER_SECOND) this.say(now);
  }

  draw() {
    drawMap(this.parts.map, this.answer, this.aspect(), this.settings);
  }

  /* Width / height of the picture; a phone that is turned changes it. */
  aspect() {
    const [width, height] = sizeOf(this.source());
    return (width || 4) / (height || 3);
  }

  fit() {
    this.parts.stage.parentElement.style.setProperty("--ratio", String(this.aspect()));
  }

  say(now) {
    const { sentence, spread, speed, spoken } = this.parts;
    const first = firstClass(this.answer);
    const words = sentenceOf(this.answer, this.settings);
    this.wordsAt = now;
    sentence.textContent = words;
    this.bars.show(this.answer, first, this.settings.cuts);
    const empty = this.answer.map && this.answer.map.is_empty ? ` ${say("emptyMap", { class_name: named(this.answer.map.class) })}` : "";
    spread.textContent = (this.state === "paused" ? say("frozen") : spreadOf(this.recent, first, this.settings)) + empty;
    const pace = this.state === "paused" ? "" : speedOf(this.poster.speed());
    speed.textContent = [pace, this.answer.engine].filter(Boolean).join(" · ");
    if (this.state === "paused" || now - this.spokenAt >= SPOKEN_EVERY_MS) {
      this.spokenAt = now;
      spoken.textContent = words;
    }
  }

  forgetAnswer(everything) {
    this.poster.forget();
    this.heardAt = performance.now();
    this.answer = null;
    this.recent = [];
    clearCanvas(this.parts.map);
    if (!everything) return;
    this.bars.reset();
    this.parts.answer.hidden = true;
    for (const name of ["sentence", "spread", "speed", "spoken"]) this.parts[name].textContent = "";
  }

  trouble(key, words = "") {
    const { trouble, map, spoken, speed } = this.parts;
    this.troubled = key;
    const text = key ? [say(key), words].filter(Boolean).join(" ") : "";
    trouble.hidden = !text;
    if (trouble.textContent !== text) trouble.textContent = text;
    if (!key || !this.answer) return;
    this.answer = null; // an old map over a new picture would be a lie
    clearCanvas(map);
    spoken.textContent = speed.textContent = "";
    this.parts.answer.hidden = true;
  }

  snapshot() {
    const source = this.source();
    const [width, height] = sizeOf(source);
    if (!width || !height) return;
    const scale = Math.min(1, this.settings.snapshot_px / Math.max(width, height));
    const sheet = document.createElement("canvas");
    copyFrame(source, sheet, Math.round(width * scale), Math.round(height * scale));
    this.send("snapshot", sheet.toDataURL("image/jpeg", SNAPSHOT_QUALITY));
    this.parts.spoken.textContent = say("taken");
    this.parts.snapshot.disabled = true;
    setTimeout(() => (this.parts.snapshot.disabled = false), 600);
  }

  /* Nothing is sent from a hidden tab (see Poster.offer); after a minute the camera goes too. */
  visibility() {
    clearTimeout(this.hiddenTimer);
    if (!document.hidden || !this.camera.stream) return;
    this.hiddenTimer = setTimeout(() => this.off("hidden"), HIDDEN_RELEASE_MS);
  }
}

const views = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = new LiveView(parentElement);
    views.set(parentElement, view);
  }
  view.update(data, setTriggerValue);
  return () => {
    view.close();
    views.delete(parentElement);
  };
}
