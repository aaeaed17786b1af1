/** What a pod's status says of it: pure. */
import type { Condition, ContainerSpec, ContainerState, Pod, Terminated } from './kinds.ts';

export interface ContainerView {
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
  readonly lastTermination: Terminated | null;
  readonly restarts: number;
  readonly started: boolean;
  readonly ready: boolean;
}

export interface PodView {
  readonly pod: Pod;
  readonly hostIP: string;
  /** Null before it has a network. */
  readonly podIP: string | null;
  readonly startTime: string;
  readonly initContainers: readonly ContainerView[];
  readonly containers: readonly ContainerView[];
  /** All containers have ended for good. */
  readonly isOver: boolean;
}

/** A strategic merge patch: conditions of others stay. */
export function podStatus(view: PodView, now: string): Record<string, unknown> {
  const { pod, hostIP, podIP, startTime, initContainers, containers } = view;
  const phase = phaseOf(view);
  const isFinal = phase === 'Succeeded' || phase === 'Failed';
  const initialized = isFinal || initContainers.every(({ state }) => exitCode(state) === 0);
  const notReady = containers.filter(({ ready }) => !ready).map(({ spec }) => spec.name);
  const containersReady = !isFinal && notReady.length === 0;
  const gates = pod.spec.readinessGates ?? [];
  const gatesOpen = gates.every(({ conditionType }) => conditionOf(pod, conditionType)?.status === 'True');
  const why = isFinal
    ? { reason: 'PodCompleted' }
    : { reason: 'ContainersNotReady', message: `containers with unready status: [${notReady.join(' ')}]` };
  const condition = (type: string, is: boolean, otherwise: object = {}): Condition => {
    const status = is ? 'True' : 'False';
    const before = conditionOf(pod, type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    return { type, status, lastTransitionTime, ...(is ? { reason: '', message: '' } : otherwise) };
  };
  return {
    phase,
    hostIP,
    startTime,
    ...(podIP === null ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    conditions: [
      condition('PodReadyToStartContainers', podIP !== null && !view.isOver),
      condition('Initialized', initialized, { reason: 'ContainersNotInitialized' }),
      condition('ContainersReady', containersReady, why),
      condition(
        'Ready',
        containersReady && gatesOpen,
        containersReady ? { reason: 'ReadinessGatesNotReady', message: 'a readiness gate is not True' } : why,
      ),
    ],
    ...(initContainers.length === 0 ? {} : { initContainerStatuses: initContainers.map(containerStatus) }),
    containerStatuses: containers.map(containerStatus),
  };
}

function phaseOf({ containers, initContainers, isOver }: PodView): string {
  const codes = [...initContainers, ...containers].map(({ state }) => exitCode(state));
  if (isOver) return codes.every((code) => code === 0) ? 'Succeeded' : 'Failed';
  return containers.some(({ state, lastTermination }) => !('waiting' in state) || lastTermination !== null)
    ? 'Running'
    : 'Pending';
}

function exitCode(state: ContainerState): number | null {
  return 'terminated' in state ? state.terminated.exitCode : null;
}

function containerStatus({ spec, state, lastTermination, restarts, started, ready }: ContainerView) {
  return {
    name: spec.name,
    image: spec.image,
    imageID: spec.image,
    state,
    lastState: lastTermination === null ? {} : { terminated: lastTermination },
    restartCount: restarts,
    started,
    ready,
  };
}

function conditionOf({ status }: Pod, type: string): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}
