/**
 * Alarm sounds after IEC 60601-1-8: bursts of pulses whose number and pace say how bad it is, made by Web Audio, no files.
 *
 * Only alerts that nobody has taken sound; the most urgent wins. A pause (2 min) covers the alerts that were known when it began, never
 * a new one, nor one that came back. Browsers allow sound only after a first click or key: until then the page says that it is mute.
 */

import { ringing } from "./priority.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {{start: number, length: number, hertz: number}} Pulse  seconds from the start of the burst */

export const PAUSE_MS = 120_000;

/** Pulse, gap between pulses, seconds; within the spans of IEC 60601-1-8, table of the auditory signals. */
const HIGH = { pulse: 0.15, gap: 0.1, third: 0.35, halves: 0.75, hertz: 523.25 };
const MEDIUM = { pulse: 0.2, gap: 0.2, hertz: 440 };
const LOW = { pulse: 0.25, hertz: 349.23 };

/** @param {number} count @param {number} from @param {{pulse: number, gap: number, hertz: number}} kind @returns {Pulse[]} */
const row = (count, from, kind) =>
  Array.from({ length: count }, (_, i) => ({ start: from + i * (kind.pulse + kind.gap), length: kind.pulse, hertz: kind.hertz }));

function threePlusTwoTwice() {
  const span = (/** @type {number} */ n) => n * HIGH.pulse + (n - 1) * HIGH.gap;
  const half = (/** @type {number} */ from) => [...row(3, from, HIGH), ...row(2, from + span(3) + HIGH.third, HIGH)];
  return [...half(0), ...half(span(3) + HIGH.third + span(2) + HIGH.halves)];
}

/** By priority: the burst, and how often it comes. Technical alerts are seen, not heard. @type {Record<number, {every: number, pulses: Pulse[]}>} */
export const BURSTS = {
  1: { every: 10, pulses: threePlusTwoTwice() },
  2: { every: 25, pulses: row(3, 0, MEDIUM) },
  3: { every: 30, pulses: [{ start: 0, length: LOW.pulse, hertz: LOW.hertz }] },
};
/** The connection is lost: the low burst, since nobody would hear a call now. */
export const LOST_PRIORITY = 3;

/** The latest moment at which this alert began to need somebody. @param {Alert} alert */
const began = (alert) => Date.parse(alert.last_at ?? alert.raised_at);

export class Bell {
  constructor() {
    this.on = true;
    /** @type {number} wall ms of this browser until which it is paused; 0 when it is not */
    this.pausedUntil = 0;
    /** @type {Map<string, number>} what was ringing when the pause began, by id: when it had begun */
    this.paused = new Map();
    /** @type {AudioContext|null} */
    this.context = null;
    this.current = 0;
    this.timer = 0;
    this.nextAt = 0;
    /** @type {GainNode|null} */
    this.burst = null;
    /** Bursts started so far, by priority: what the tests listen to. @type {number[]} */
    this.played = [];
  }

  get locked() {
    return !this.context || this.context.state !== "running";
  }

  /** Call from a click or key: the first one lets the page sound. */
  async unlock() {
    this.context ??= new AudioContext();
    if (this.context.state !== "running") await this.context.resume().catch(() => undefined);
  }

  /** Covers what rings now; one that somebody had in hand, and drops, rings. @param {Alert[]} alerts */
  pause(alerts) {
    this.pausedUntil = Date.now() + PAUSE_MS;
    this.paused = new Map(alerts.filter(ringing).map((alert) => [alert.id, began(alert)]));
  }

  unpause() {
    this.pausedUntil = 0;
    this.paused.clear();
  }

  /** Which priority sounds now; 0 for none. @param {Alert[]} alerts @param {boolean} lost */
  due(alerts, lost) {
    if (!this.on) return 0;
    const pausing = Date.now() < this.pausedUntil;
    let due = lost && !pausing ? LOST_PRIORITY : 9;
    for (const alert of alerts) {
      if (!ringing(alert) || !(alert.priority in BURSTS)) continue;
      if (pausing && (this.paused.get(alert.id) ?? -1) >= began(alert)) continue;
      due = Math.min(due, alert.priority);
    }
    return due === 9 ? 0 : due;
  }

  /** Rings, goes on ringing or falls silent. Cheap: called at every change and every second. @param {Alert[]} alerts @param {boolean} lost */
  attend(alerts, lost) {
    const due = this.due(alerts, lost);
    if (due !== this.current) {
      // Something worse begins at once; what was taken falls silent at once, in the middle of its burst.
      this.hush();
      this.current = due;
      this.nextAt = 0;
    }
    if (due && performance.now() >= this.nextAt) this.sound(due);
  }

  /** @param {number} priority */
  sound(priority) {
    const { every, pulses } = BURSTS[priority];
    if (this.locked || !this.context) return;
    this.nextAt = performance.now() + every * 1000;
    this.played.push(priority);
    const context = this.context;
    const burst = context.createGain();
    burst.connect(context.destination);
    this.burst = burst;
    // A fundamental with its harmonics: heard on poor speakers, and by old ears too.
    const wave = context.createPeriodicWave(new Float32Array(6), new Float32Array([0, 1, 0.55, 0.4, 0.28, 0.2]));
    for (const pulse of pulses) {
      const from = context.currentTime + 0.02 + pulse.start;
      const edge = pulse.length * 0.15;
      const tone = context.createOscillator();
      const shape = context.createGain();
      tone.setPeriodicWave(wave);
      tone.frequency.value = pulse.hertz;
      shape.gain.setValueAtTime(0, from);
      shape.gain.linearRampToValueAtTime(0.5, from + edge);
      shape.gain.setValueAtTime(0.5, from + pulse.length - edge);
      shape.gain.linearRampToValueAtTime(0, from + pulse.length);
      tone.connect(shape).connect(burst);
      tone.start(from);
      tone.stop(from + pulse.length + 0.02);
    }
  }

  hush() {
    this.burst?.disconnect();
    this.burst = null;
  }
}
