/** What may not change from one version of an object to the next; the CRDs say the same to the API server. */
import { classIsImmutable } from './common.ts';
import { type Fault, readText, toFault } from './faults.ts';
import { type AnyObject, nameOf } from './parse.ts';

/** Faults of the change; none where it may be made. */
export const checkTransition = (now: AnyObject, before: AnyObject): Fault[] =>
  classIsImmutable.holds(now.spec, before.spec)
    ? []
    : [
        toFault(
          nameOf(now),
          ['spec', 'className'],
          readText(now.spec.className),
          `${JSON.stringify(before.spec.className)}; ${classIsImmutable.message}`,
        ),
      ];
