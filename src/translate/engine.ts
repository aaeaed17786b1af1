/**
 * Translation at the cost of what has changed: it knows the state that it last translated, looks for what is another in
 * the one it is given, and makes anew what depends on that. What it answers follows from the given state alone.
 */
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import type { CheckCertificates } from './check-certificate.ts';
import type { ClusterState, LastGood } from './cluster-state.ts';
import { derivations, type Values } from './derivations.ts';
import { Graph } from './graph.ts';
import { Inputs } from './inputs.ts';
import { type CheckPattern, judgeListeners, judgePatterns, type PatternJudgement } from './judge.ts';
import { Outcome } from './outcome.ts';

/** What cannot change from one state to the next: for others another engine is needed. */
export interface Judging {
  readonly mode: ClusterState['mode'];
  readonly className: string;
  readonly checkPattern: CheckPattern;
  readonly checkCertificates: CheckCertificates;
}

export interface Translation {
  readonly snapshot: Snapshot;
  /** In order of kind, then key. */
  readonly statuses: readonly ObjectStatus[];
  /** For the next state's `lastGood`. */
  readonly lastGood: LastGood;
}

export class Engine {
  readonly judging: Judging;
  readonly #graph: Graph<Values>;
  readonly #inputs: Inputs;
  readonly #outcome = new Outcome();
  /** Compiling patterns is the dearest part of a translation, and most specs come again and again. */
  readonly #judged = new WeakMap<TcpVirtualServerSpec, PatternJudgement>();

  constructor(judging: Judging) {
    const { mode, checkCertificates: certificates } = judging;
    const patterns = (spec: TcpVirtualServerSpec): PatternJudgement => this.#patterns(spec);
    this.judging = judging;
    this.#graph = new Graph(derivations({ mode, certificates, patterns }));
    this.#inputs = new Inputs(
      this.#graph,
      {
        TcpVirtualServer: (spec) => [...judgeListeners(spec, mode), ...patterns(spec).faults],
        // What parses is right in itself.
        RealServer: () => [],
        AppWeightMatrix: () => [],
      },
      judging,
    );
  }

  translate(state: ClusterState, previous: Snapshot | undefined): Translation {
    this.#inputs.take(state);
    this.#outcome.take(this.#graph.settle(), previous);
    const { snapshot, statuses } = this.#outcome;
    return { snapshot, statuses, lastGood: this.#inputs.lastGood };
  }

  #patterns(spec: TcpVirtualServerSpec): PatternJudgement {
    let judgement = this.#judged.get(spec);
    if (judgement === undefined) {
      this.#judged.set(spec, (judgement = judgePatterns(spec, this.judging.checkPattern)));
    }
    return judgement;
  }
}
