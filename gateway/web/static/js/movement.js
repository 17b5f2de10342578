/**
 * When the resident last moved, as far as the home's devices can tell: movement, doors, bed, steps. Pure: samples in, moments out.
 *
 * Off is said about a minute after the last movement, so the end of a span is late rather than early; a sensor that said "movement" and
 * then nothing more counts only from the moment at which it spoke.
 */

/** @typedef {{at: number, value: number}} Sample  at: ms since 1970; value: 1 or 0 for yes and no */
/** @typedef {[from: number, until: number]} Span */
/** @typedef {{property: string, place: string, points: Sample[]}} Track  the readings of one sensor, oldest first */
/** @typedef {{at: number, ongoing: boolean, track: Track}} Moved */

/** What tells of a person in the home, most telling first. */
export const TRACES = ["occupancy", "contact_open", "bed_occupied", "vibration", "steps"];

/** The spans in which the value stood at true. @param {Sample[]} points @param {number} until @returns {Span[]} */
export function spans(points, until) {
  /** @type {Span[]} */
  const found = [];
  let since = 0;
  for (const { at, value } of points) {
    if (value && !since) since = at;
    if (!value && since) {
      found.push([since, at]);
      since = 0;
    }
  }
  if (since) found.push([since, until]);
  return found;
}

/** A counter that grew between two reports: somebody walked in between. @param {Sample[]} points @returns {Span[]} */
export const grown = (points) => points.slice(1).flatMap((p, i) => (p.value > points[i].value ? [/** @type {Span} */ ([points[i].at, p.at])] : []));

/** @param {Track} track @param {number} until @returns {Span[]} what is filled in its lane */
export const active = (track, until) => (track.property === "steps" ? grown(track.points) : spans(track.points, until));

/** Every moment at which this sensor saw somebody. @param {Track} track @returns {Moved[]} */
function moments(track) {
  const { property, points } = track;
  const moved = (/** @type {number} */ at, ongoing = false) => ({ at, ongoing, track });
  if (property === "steps") return grown(points).map(([, at]) => moved(at));
  if (property === "contact_open" || property === "bed_occupied") {
    // Opening and closing are somebody's doing; the first report of a state is not.
    const turns = points.filter((p, i) => i > 0 && p.value !== points[i - 1].value);
    return (points[0]?.value && property === "contact_open" ? [points[0], ...turns] : turns).map(({ at }) => moved(at));
  }
  const seen = spans(points, NaN);
  return seen.map(([from, until]) => (Number.isNaN(until) ? moved(from, property === "occupancy") : moved(until)));
}

/**
 * @param {Track[]} tracks @param {number} alarm ms since 1970
 * @returns {{before: Moved|null, after: Moved|null}} the latest movement up to the alarm, and the latest one since
 */
export function lastMoved(tracks, alarm) {
  /** @type {Moved|null} */
  let before = null;
  /** @type {Moved|null} */
  let after = null;
  for (const track of tracks.filter(({ property }) => TRACES.includes(property))) {
    for (const moved of moments({ ...track, points: track.points.filter((p) => p.at <= alarm) })) {
      if (!before || (moved.ongoing && !before.ongoing) || (moved.ongoing === before.ongoing && moved.at > before.at)) before = { ...moved, track };
    }
    for (const moved of moments(track)) if (moved.at > alarm && (!after || moved.at > after.at)) after = moved;
  }
  return { before, after };
}
