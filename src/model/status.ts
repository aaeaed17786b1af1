/** What translate says of every object, in the shape in which the API keeps it. */
import type { ObjectKey } from './snapshot.ts';

export type Kind = 'TcpVirtualServer' | 'RealServer' | 'AppWeightMatrix';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

export interface ObjectStatus {
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
  /** What the kind has besides (listeners, rules, endpoints, shares), as `status` shows it. */
  readonly details: Readonly<Record<string, unknown>>;
}
