/** Profiles as a matrix' status shows them: the API knows no floats. Pure. */
import type { AppWeightMatrixStatus } from '../api/app-weight-matrix.ts';
import type { AppProfile, Figure, MatrixProfile } from '../model/profiles.ts';

type Shown = NonNullable<AppWeightMatrixStatus['profiles']>;
type ShownFigure = NonNullable<Shown[number]['demand']>;

/** Apps of which nothing is known are left out. */
export function statusProfiles({ apps }: MatrixProfile): Shown {
  return apps.flatMap((profile) => {
    const shown = { app: profile.app, ...demandOf(profile), ...restOf(profile) };
    return Object.keys(shown).length > 1 ? [shown] : [];
  });
}

function demandOf({ demand }: AppProfile): Pick<Shown[number], 'demand'> {
  return demand.source === 'default' ? {} : { demand: figureOf(demand) };
}

function restOf({ seconds, concurrency, cost }: AppProfile): Omit<Shown[number], 'app' | 'demand'> {
  const costs = RESOURCES.flatMap((resource) => {
    const figure = cost[resource];
    return figure === undefined ? [] : [{ resource, ...figureOf(figure) }];
  });
  return {
    ...(seconds === null ? {} : { seconds: figureOf(seconds) }),
    ...(concurrency === null ? {} : { limit: { ...figureOf(concurrency.limit), peaked: concurrency.peaked } }),
    ...(costs.length === 0 ? {} : { cost: costs }),
  };
}

const RESOURCES = ['cpu', 'io', 'net'] as const;
const SOURCES = { default: 'Default', given: 'Given', learned: 'Learned' } as const;

function figureOf({ value, upper, source }: Figure): ShownFigure {
  return { value: decimalText(value), upper: decimalText(upper), source: SOURCES[source] };
}

/** Four digits that count, without an exponent. */
export function decimalText(value: number): string {
  if (value >= 1000) return String(Math.min(Number.MAX_SAFE_INTEGER, Math.round(value)));
  const text = Number(value.toPrecision(4)).toFixed(9);
  return text.replace(/\.?0+$/, '');
}
