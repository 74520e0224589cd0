/**
 * Sounds, made here and not loaded: one chime for a caution, a tone again and again for a warning
 * until it is acknowledged, two bells for a notice that nobody has seen. Silence is for what sounds
 * now: whatever is new sounds again.
 */
import { Store } from "../live/store";
import { settings } from "../parts/settings";

export type Sound = "warning" | "caution" | "bell";

/** Whether the browser lets us sound; it asks for a touch or a key first. */
export const audible = new Store<boolean>(false);
/** What sounds now, by the key of what it is about. */
export const sounding = new Store<ReadonlyMap<string, Sound>>(new Map());
/** The last sounds that were made, for the test of the alarms and for whoever wonders. */
export const made = new Store<readonly Sound[]>([]);

const REPEAT_MS = 2_500;
const BELL_REPEAT_MS = 30_000;
const KEPT = 50;

let context: AudioContext | null = null;
const silenced = new Set<string>();
const chimed = new Set<string>();
let lastBell = 0;

/** Call once: begins to listen for the first touch or key, without which browsers stay silent. */
export function prepareSound(): void {
  const wake = () => {
    context ??= new AudioContext();
    void context.resume().then(() => audible.set(context?.state === "running"));
  };
  // Not at the press: the banner that asks for it would go between press and release, and what is
  // under the pointer by then is something else, so that the first click of all would be lost.
  addEventListener("click", wake, { capture: true });
  addEventListener("keydown", wake);
  setInterval(repeat, REPEAT_MS);
}

/** Say what should sound now; what is new begins at once, what is gone ends. */
export function soundFor(wanted: ReadonlyMap<string, Sound>): void {
  for (const key of [...silenced]) if (!wanted.has(key)) silenced.delete(key);
  for (const key of [...chimed]) if (!wanted.has(key)) chimed.delete(key);
  const loud = new Map([...wanted].filter(([key]) => !silenced.has(key)));
  const fresh = [...loud].filter(([key]) => !chimed.has(key));
  for (const [key] of fresh) chimed.add(key);
  sounding.set(loud);
  const first = (["warning", "caution", "bell"] as const).find((sound) => fresh.some(([, s]) => s === sound));
  if (first) play(first);
}

/** Silence what sounds now, and nothing else. */
export function silence(): void {
  for (const key of sounding.value.keys()) silenced.add(key);
  sounding.set(new Map());
}

function repeat(): void {
  const sounds = [...sounding.value.values()];
  if (sounds.includes("warning")) play("warning");
  else if (sounds.includes("bell") && performance.now() - lastBell > BELL_REPEAT_MS) play("bell");
}

const TONES: Record<Sound, [hertz: number, at: number, lasts: number][]> = {
  warning: [
    [880, 0, 0.18],
    [660, 0.22, 0.18],
    [880, 0.44, 0.18],
    [660, 0.66, 0.18],
  ],
  caution: [[587, 0, 0.5]],
  bell: [
    [784, 0, 0.3],
    [1047, 0.35, 0.5],
  ],
};

export function play(sound: Sound): void {
  if (sound === "bell") lastBell = performance.now();
  made.update((list) => [...list, sound].slice(-KEPT));
  if (!settings.value.sound || !context || context.state !== "running") return;
  for (const [hertz, at, lasts] of TONES[sound]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const start = context.currentTime + at;
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.35, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + lasts);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + lasts + 0.02);
  }
}
