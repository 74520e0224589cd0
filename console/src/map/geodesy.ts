/** Distances and bearings on the WGS84 ellipsoid, for showing: what counts is judged by the node. */

export interface LatLng {
  lat: number;
  lng: number;
}

const A_M = 6_378_137;
const F = 1 / 298.257223563;
const B_M = A_M * (1 - F);
const RAD = Math.PI / 180;
const ROUNDS = 50;
const CLOSE = 1e-12;

/** Return where one comes to, going a distance on a true bearing. Source: Vincenty 1975, direct. */
export function destination(from: LatLng, bearingDeg: number, distanceM: number): LatLng {
  const alpha = bearingDeg * RAD;
  const tanU = (1 - F) * Math.tan(from.lat * RAD);
  const cosU = 1 / Math.sqrt(1 + tanU * tanU);
  const sinU = tanU * cosU;
  const sigma1 = Math.atan2(tanU, Math.cos(alpha));
  const sinA = cosU * Math.sin(alpha);
  const cos2A = 1 - sinA * sinA;
  const [a, b] = series(cos2A);
  let sigma = distanceM / (B_M * a);
  let cos2M = 0;
  for (let round = 0; round < ROUNDS; round++) {
    cos2M = Math.cos(2 * sigma1 + sigma);
    const next = distanceM / (B_M * a) + correction(sigma, cos2M, b);
    const done = Math.abs(next - sigma) < CLOSE;
    sigma = next;
    if (done) break;
  }
  const sinS = Math.sin(sigma);
  const cosS = Math.cos(sigma);
  const x = sinU * sinS - cosU * cosS * Math.cos(alpha);
  const lat = Math.atan2(sinU * cosS + cosU * sinS * Math.cos(alpha), (1 - F) * Math.hypot(sinA, x));
  const lambda = Math.atan2(sinS * Math.sin(alpha), cosU * cosS - sinU * sinS * Math.cos(alpha));
  const c = (F / 16) * cos2A * (4 + F * (4 - 3 * cos2A));
  const l = lambda - (1 - c) * F * sinA * (sigma + c * sinS * (cos2M + c * cosS * (2 * cos2M * cos2M - 1)));
  return { lat: lat / RAD, lng: from.lng + l / RAD };
}

/** Return how far it is and on which true bearing one sets out. Source: Vincenty 1975, inverse. */
export function inverse(from: LatLng, to: LatLng): { distanceM: number; bearingDeg: number } {
  const l = wrapped(to.lng - from.lng) * RAD;
  const u1 = Math.atan((1 - F) * Math.tan(from.lat * RAD));
  const u2 = Math.atan((1 - F) * Math.tan(to.lat * RAD));
  const [sin1, cos1, sin2, cos2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let lambda = l;
  for (let round = 0; round < ROUNDS; round++) {
    const [sinL, cosL] = [Math.sin(lambda), Math.cos(lambda)];
    const y = cos2 * sinL;
    const x = cos1 * sin2 - sin1 * cos2 * cosL;
    const sinS = Math.hypot(y, x);
    if (sinS === 0) return { distanceM: 0, bearingDeg: 0 };
    const cosS = sin1 * sin2 + cos1 * cos2 * cosL;
    const sigma = Math.atan2(sinS, cosS);
    const sinA = (cos1 * cos2 * sinL) / sinS;
    const cos2A = 1 - sinA * sinA;
    const cos2M = cos2A === 0 ? 0 : cosS - (2 * sin1 * sin2) / cos2A;
    const c = (F / 16) * cos2A * (4 + F * (4 - 3 * cos2A));
    const next = l + (1 - c) * F * sinA * (sigma + c * sinS * (cos2M + c * cosS * (2 * cos2M * cos2M - 1)));
    if (Math.abs(next - lambda) < CLOSE) {
      const [a, b] = series(cos2A);
      const distanceM = B_M * a * (sigma - correction(sigma, cos2M, b));
      return { distanceM, bearingDeg: compass(Math.atan2(y, x) / RAD) };
    }
    lambda = next;
  }
  return onSphere(from, to);
}

function series(cos2A: number): [number, number] {
  const u2 = (cos2A * (A_M * A_M - B_M * B_M)) / (B_M * B_M);
  return [
    1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2))),
    (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2))),
  ];
}

function correction(sigma: number, cos2M: number, b: number): number {
  const [sinS, cosS] = [Math.sin(sigma), Math.cos(sigma)];
  const inner = cosS * (2 * cos2M * cos2M - 1) - (b / 6) * cos2M * (4 * sinS * sinS - 3) * (4 * cos2M * cos2M - 3);
  return b * sinS * (cos2M + (b / 4) * inner);
}

/** Between points that lie nearly opposite each other the series does not settle. */
function onSphere(from: LatLng, to: LatLng): { distanceM: number; bearingDeg: number } {
  const [a, b, l] = [from.lat * RAD, to.lat * RAD, (to.lng - from.lng) * RAD];
  const y = Math.sin(l) * Math.cos(b);
  const x = Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(l);
  const angle = Math.atan2(Math.hypot(y, x), Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * Math.cos(l));
  return { distanceM: angle * 6_371_008.8, bearingDeg: compass(Math.atan2(y, x) / RAD) };
}

export function compass(degrees: number): number {
  return ((degrees % 360) + 360) % 360;
}

/** A longitude, or a difference of two, from -180 to 180. */
export function wrapped(lng: number): number {
  return ((((lng + 180) % 360) + 360) % 360) - 180;
}
