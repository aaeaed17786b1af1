/** Condition constructors, and the summary that they add up to. The serving side completes statuses with `fillIn`. */
import type { Condition, Kind, ObjectStatus } from '../model/status.ts';
import type { ConditionReason } from './reasons.ts';

export interface Problem {
  readonly reason: ConditionReason;
  readonly message: string;
}

export const isTrue = (type: string, reason: ConditionReason, message: string, generation: number): Condition =>
  make(type, 'True', reason, message, generation);

export const isFalse = (type: string, reason: ConditionReason, message: string, generation: number): Condition =>
  make(type, 'False', reason, message, generation);

export const isUnknown = (type: string, reason: ConditionReason, message: string, generation: number): Condition =>
  make(type, 'Unknown', reason, message, generation);

/** Not known yet: the serving side says it. */
export const isPending = (type: string, generation: number): Condition =>
  isUnknown(type, 'Pending', 'Waiting for the proxies', generation);

/** True, or False with the first problem's reason and all messages. */
export const unless = (
  type: string,
  problems: readonly Problem[],
  good: ConditionReason,
  message: string,
  generation: number,
): Condition => {
  const [first] = problems;
  return first === undefined
    ? isTrue(type, good, message, generation)
    : isFalse(type, first.reason, listed(problems.map((each) => each.message)), generation);
};

/** Conditions that Ready sums up, in the order in which the first that does not hold gives the reason. */
const SUMMED: Readonly<Record<Kind, readonly string[]>> = {
  TcpVirtualServer: ['Accepted', 'ResolvedRefs', 'Programmed'],
  RealServer: ['Accepted', 'ResolvedRefs', 'Healthy'],
  AppWeightMatrix: ['Accepted', 'ResolvedRefs', 'Programmed'],
};

/** The conditions with Ready (anew) at their end: False if one is False, else Unknown if one is not known. */
export const withReady = (kind: Kind, conditions: readonly Condition[], generation: number): Condition[] => {
  const others = conditions.filter((each) => each.type !== 'Ready');
  const summed = SUMMED[kind].flatMap((type) => others.filter((each) => each.type === type));
  const lacking = summed.find((each) => each.status === 'False') ?? summed.find((each) => each.status === 'Unknown');
  const ready: Condition =
    lacking === undefined
      ? isTrue('Ready', 'Ready', 'In force', generation)
      : { ...lacking, type: 'Ready', observedGeneration: generation };
  return [...others, ready];
};

/**
 * The status with conditions that the serving side knows (Programmed, Healthy, OnTarget) put in, and Ready anew. It
 * fills in what is Unknown; what translate has said True or False stands (a listener that cannot be served, say).
 */
export const fillIn = (status: ObjectStatus, known: readonly Condition[]): ObjectStatus => {
  const conditions = status.conditions.map((each) =>
    each.status === 'Unknown' ? (known.find((other) => other.type === each.type) ?? each) : each,
  );
  return { ...status, conditions: withReady(status.kind, conditions, status.observedGeneration) };
};

/** Messages as one text; a condition's message is for people, so a long list is cut. */
export const listed = (messages: readonly string[], most = 10): string => {
  const unique = [...new Set(messages)];
  const shown = unique.slice(0, most).join('; ');
  return unique.length > most ? `${shown}; and ${unique.length - most} more` : shown;
};

/** The API takes messages of up to 32,768 characters; nobody reads as many. */
const MAX_MESSAGE = 4096;

const make = (
  type: string,
  status: Condition['status'],
  reason: ConditionReason,
  message: string,
  observedGeneration: number,
): Condition => ({ type, status, reason, message: message.slice(0, MAX_MESSAGE), observedGeneration });
