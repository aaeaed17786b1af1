/**
 * For how long how many requests were in flight at an endpoint, over all workers together: at each coming and going the
 * time since the one before is added to the level that held meanwhile. Each worker adds to a table of its own, so nothing
 * is atomic but what is in flight itself.
 */
import { LEVELS, levelOf } from '../../model/levels.ts';
import { MAX_MEASURED } from '../shared.ts';
import type { WorkerState } from './state.ts';

/** Microseconds by which one worker may be behind another's note: they read the clock when their request begins or ends. */
const BEHIND = 1_000_000;

/** To be called at each coming and going. @param inflight at the endpoint, before it; the time of now is `state.now` */
export function noteLevel(state: WorkerState, slot: number, inflight: number): void {
  if (slot >= MAX_MEASURED) return;
  const { levelSince } = state.shared;
  const now = ((state.now + state.clockAhead) * 1000) | 0;
  if (inflight > 0) {
    const passed = (now - levelSince[slot]!) | 0;
    if (passed > 0) state.counters.levelTimes[slot * LEVELS + levelOf(inflight)]! += passed;
    else if (passed > -BEHIND) return;
  }
  levelSince[slot] = now;
}

/** A request was answered while so many were in flight, itself among them. */
export function noteAnswered(state: WorkerState, slot: number, inflight: number): void {
  if (slot < MAX_MEASURED && inflight > 0) state.counters.levelAnswers[slot * LEVELS + levelOf(inflight)]!++;
}
