/** Kubernetes quantities as numbers: `4`, `"2.4"`, `"500m"`, `"64Ki"`, `"1e3"`. */

const POWERS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a quantity stands for, in its base unit, or null where the text is none or is negative. */
export function parseQuantity(text: string | number): number | null {
  if (typeof text === 'number') return Number.isFinite(text) && text >= 0 ? text : null;
  if (text.length > 32) return null;
  const match = /^([0-9]+(?:\.[0-9]+)?)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([-+]?[0-9]{1,3}))?$/.exec(text);
  if (match === null) return null;
  const [, digits = '', suffix, exponent] = match;
  if (exponent !== undefined) return finite(Number(`${digits}e${exponent}`));
  return finite(Number(digits) * (suffix === undefined ? 1 : (POWERS[suffix] ?? Number.NaN)));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
