/** Something whose memory the budget counts and may take back. */
export interface BudgetMember {
  /** Forgets all states and gives their memory back. */
  drop(): void;
}

/** The memory that the lazily built states of several automata may take together, in bytes. */
export class StateBudget {
  readonly limit: number;
  used = 0;
  private readonly members = new Set<BudgetMember>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Takes `bytes` if they are there. */
  reserve(member: BudgetMember, bytes: number): boolean {
    if (this.used + bytes > this.limit) return false;
    this.take(member, bytes);
    return true;
  }

  /** Takes `bytes` in any case: the few states without which an automaton cannot run. */
  take(member: BudgetMember, bytes: number): void {
    this.used += bytes;
    this.members.add(member);
  }

  release(member: BudgetMember, bytes: number): void {
    this.used -= bytes;
    this.members.delete(member);
  }

  /** All give back what they hold: who is in use now builds what it needs anew. */
  clear(): void {
    for (const member of this.members) member.drop();
  }
}
