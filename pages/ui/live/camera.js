/* The camera: asked for only on a click, let go of whenever nobody looks. Faults arrive as keys of TROUBLES. */

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };

class Camera {
  constructor(video, onLost) {
    this.video = video;
    this.onLost = onLost;
    this.stream = null;
    this.turn = 0; // a camera that arrives after it was sent away is let go of at once
  }

  /* Take a camera: by its id, or the back one of a phone. Throws {trouble} where there is none to be had. */
  async take(deviceId) {
    if (!window.isSecureContext) throw { trouble: "insecure" };
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) throw { trouble: "unsupported" };
    this.release();
    const turn = this.turn;
    const choice = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: "environment" } };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...choice }, audio: false });
    } catch (error) {
      throw { trouble: troubleOf(error) };
    }
    if (turn !== this.turn) {
      for (const track of stream.getTracks()) track.stop();
      throw { trouble: null };
    }
    this.stream = stream;
    for (const track of stream.getVideoTracks()) track.addEventListener("ended", () => this._ended(stream));
    this.video.srcObject = stream;
    await this.video.play().catch(() => {}); // a browser that saves power starts it with the next gesture
    await this._sized();
  }

  /* Let go of the camera: its light goes out. Safe to call at any time. */
  release() {
    this.turn += 1;
    const stream = this.stream;
    this.stream = null;
    if (stream) for (const track of stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }

  /* The cameras at hand as [{id, name}]; names are known once one was allowed. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    return devices
      .filter((device) => device.kind === "videoinput" && device.deviceId)
      .map((device, position) => ({ id: device.deviceId, name: device.label || `Camera ${position + 1}` }));
  }

  current() {
    const track = this.stream && this.stream.getVideoTracks()[0];
    return track ? track.getSettings().deviceId : undefined;
  }

  _ended(stream) {
    if (this.stream !== stream) return; // we stopped it ourselves
    this.release();
    this.onLost();
  }

  _sized() {
    if (this.video.videoWidth) return Promise.resolve();
    return new Promise((ready) => {
      this.video.addEventListener("loadeddata", ready, { once: true });
      setTimeout(ready, 3000);
    });
  }
}

function troubleOf(error) {
  const names = {
    NotAllowedError: "denied",
    SecurityError: "denied",
    NotFoundError: "none",
    OverconstrainedError: "none",
    NotReadableError: "used",
    AbortError: "used",
  };
  return names[error && error.name] || "unsupported";
}

function sizeOf(source) {
  return source.videoWidth === undefined ? [source.width, source.height] : [source.videoWidth, source.videoHeight];
}

function copyFrame(source, canvas, width, height) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(source, 0, 0, width, height);
}

/* A frame cut and scaled as the network takes it, on `sheet`; the server adds the black of "pad" itself. */
function networkFrame(source, sheet, settings) {
  const [width, height] = sizeOf(source);
  if (!width || !height) return null;
  const { size_px: side, resize_mode: mode } = settings;
  const scale = mode === "pad" ? side / Math.max(width, height) : 0;
  sheet.width = scale ? Math.max(1, Math.round(width * scale)) : side;
  sheet.height = scale ? Math.max(1, Math.round(height * scale)) : side;
  const middle = Math.min(width, height);
  const cut =
    mode === "crop" ? [(width - middle) / 2, (height - middle) / 2, middle, middle] : [0, 0, width, height];
  const context = sheet.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...cut, 0, 0, sheet.width, sheet.height);
  return sheet;
}
