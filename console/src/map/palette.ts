/** Colours and little pictures of the map, made from the theme's own tokens. */

export interface Palette {
  water: string;
  land: string;
  border: string;
  ground: string;
  text: string;
  faint: string;
  ours: string;
  theirs: string;
  unknown: string;
  advisory: string;
  caution: string;
  warning: string;
  accent: string;
  focus: string;
}

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    water: token("water"),
    land: token("land"),
    border: token("border"),
    ground: token("ground"),
    text: token("text"),
    faint: token("faint"),
    ours: token("ours"),
    theirs: token("theirs"),
    unknown: token("faint"),
    advisory: token("advisory"),
    caution: token("caution"),
    warning: token("warning"),
    accent: token("accent"),
    focus: token("focus"),
  };
}

/** Drawn at twice the size, so that they are sharp on fine screens. */
export const SCALE = 2;
const ICON = 24;
const MARK = 34;
const HATCH = 12;

export type Picture = { name: string; image: ImageData };

export function pictures(colours: Palette): Picture[] {
  const found: Picture[] = [];
  for (const owner of ["ours", "theirs", "unknown"] as const)
    for (const age of ["fresh", "aged", "crossed"] as const)
      for (const shape of ["track", "dot"] as const)
        found.push({ name: `${shape}-${owner}-${age}`, image: aircraft(colours, owner, age, shape) });
  for (const level of ["advisory", "caution", "warning"] as const) {
    found.push({ name: `halo-${level}`, image: mark(colours, level, false) });
    found.push({ name: `alarm-${level}`, image: mark(colours, level, true) });
  }
  found.push({ name: "sighting", image: drone(colours) });
  found.push({ name: "hatch-ours", image: hatch(colours.ours, "one") });
  found.push({ name: "hatch-theirs", image: hatch(colours.theirs, "one") });
  found.push({ name: "cross-ours", image: hatch(colours.ours, "two") });
  found.push({ name: "cross-theirs", image: hatch(colours.theirs, "two") });
  return found;
}

function sheet(size: number): { pen: CanvasRenderingContext2D; done: () => ImageData } {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size * SCALE;
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  pen.scale(SCALE, SCALE);
  pen.lineJoin = "round";
  pen.lineCap = "round";
  return { pen, done: () => pen.getImageData(0, 0, canvas.width, canvas.height) };
}

/** An arrow head where the track is known, else a diamond; hollow when old, crossed out when lost. */
function aircraft(
  colours: Palette,
  owner: "ours" | "theirs" | "unknown",
  age: "fresh" | "aged" | "crossed",
  shape: "track" | "dot",
): ImageData {
  const { pen, done } = sheet(ICON);
  const c = ICON / 2;
  pen.beginPath();
  if (shape === "track") {
    pen.moveTo(c, 3);
    pen.lineTo(c + 7, 20);
    pen.lineTo(c, 16);
    pen.lineTo(c - 7, 20);
  } else {
    pen.moveTo(c, 4);
    pen.lineTo(c + 6, c);
    pen.lineTo(c, 20);
    pen.lineTo(c - 6, c);
  }
  pen.closePath();
  const colour = age === "fresh" ? colours[owner] : colours.faint;
  pen.lineWidth = 4;
  pen.strokeStyle = colours.ground;
  pen.stroke();
  pen.lineWidth = 2;
  pen.strokeStyle = colour;
  pen.stroke();
  // Ours are filled, those of others have a heart left open: colour is not the only word for it.
  if (age === "fresh") {
    pen.fillStyle = owner === "ours" ? colour : owner === "theirs" ? `${colours.ground}` : "transparent";
    pen.fill();
    if (owner === "theirs") {
      pen.beginPath();
      pen.arc(c, 13, 2.4, 0, 7);
      pen.fillStyle = colour;
      pen.fill();
    }
  }
  if (age === "crossed") {
    pen.lineWidth = 2;
    pen.strokeStyle = colours.text;
    pen.beginPath();
    pen.moveTo(3, 3);
    pen.lineTo(ICON - 3, ICON - 3);
    pen.moveTo(ICON - 3, 3);
    pen.lineTo(3, ICON - 3);
    pen.stroke();
  }
  return done();
}

/** Circle, triangle, octagon, as in the strip of alarms; with a sign inside for a place, else open. */
function mark(colours: Palette, level: "advisory" | "caution" | "warning", sign: boolean): ImageData {
  const { pen, done } = sheet(MARK);
  const c = MARK / 2;
  const r = c - 3;
  const path = (): void => {
    pen.beginPath();
    if (level === "advisory") pen.arc(c, c, r, 0, 2 * Math.PI);
    else if (level === "caution") {
      pen.moveTo(c, 2);
      pen.lineTo(MARK - 2, MARK - 4);
      pen.lineTo(2, MARK - 4);
      pen.closePath();
    } else {
      for (let i = 0; i < 8; i++) {
        const angle = (Math.PI / 8) * (2 * i + 1);
        pen.lineTo(c + r * Math.cos(angle), c + r * Math.sin(angle));
      }
      pen.closePath();
    }
  };
  path();
  pen.lineWidth = 5.5;
  pen.strokeStyle = colours.ground;
  pen.stroke();
  path();
  pen.lineWidth = 3;
  pen.strokeStyle = colours[level];
  pen.stroke();
  if (sign) {
    pen.fillStyle = level === "warning" ? colours.warning : colours.ground;
    pen.fill();
    pen.strokeStyle = level === "warning" ? colours.ground : colours[level];
    pen.lineWidth = 3.4;
    pen.beginPath();
    pen.moveTo(c, 10);
    pen.lineTo(c, 20);
    pen.moveTo(c, 25);
    pen.lineTo(c, 25.5);
    pen.stroke();
  }
  return done();
}

function drone(colours: Palette): ImageData {
  const { pen, done } = sheet(ICON);
  for (const [width, colour] of [
    [5, colours.ground],
    [2, colours.text],
  ] as const) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.moveTo(7, 7);
    pen.lineTo(17, 17);
    pen.moveTo(17, 7);
    pen.lineTo(7, 17);
    pen.stroke();
    for (const [x, y] of [
      [6, 6],
      [18, 6],
      [6, 18],
      [18, 18],
    ] as const) {
      pen.beginPath();
      pen.arc(x, y, 3.4, 0, 7);
      pen.stroke();
    }
  }
  return done();
}

/** Lines one way for a no-go area, both ways for where an aircraft has strayed. */
function hatch(colour: string, ways: "one" | "two"): ImageData {
  const { pen, done } = sheet(HATCH);
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (const move of [-HATCH, 0, HATCH]) {
    pen.moveTo(move - 2, HATCH + 2);
    pen.lineTo(move + HATCH + 2, -2);
    if (ways === "two") {
      pen.moveTo(move - 2, -2);
      pen.lineTo(move + HATCH + 2, HATCH + 2);
    }
  }
  pen.stroke();
  return done();
}
