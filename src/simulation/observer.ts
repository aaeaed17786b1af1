/**
 * Who looks on while a run goes by: what a proxy sees of its requests, and what control groups see of the instances. Told in the
 * order in which it happens, each with the time in seconds; a slot is the index of a cell.
 */
export interface Observer {
  /** A request came; slot -1: it waits in front of the caps, or there is nowhere to go. */
  came(column: number, slot: number, now: number): void;
  /** It goes to an instance, at once or out of the queue. */
  sent(slot: number, now: number): void;
  /** @param seconds since it came */
  answered(slot: number, seconds: number, now: number): void;
  /** Its client has waited long enough; whether the server goes on is another matter. */
  left(slot: number, now: number): void;
  /** A request of a workload begins to use a resource of a host, and ends to. */
  began(host: number, resource: number, workload: number, now: number): void;
  ended(host: number, resource: number, workload: number, now: number): void;
}
