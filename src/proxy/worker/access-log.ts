/** The access log: one line of JSON per sampled request, written in batches. */
import { writeSync } from 'node:fs';

import { Share } from './share.ts';

export interface AccessRecord {
  readonly client: string;
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly virtualServer: string;
  readonly rule: string;
  readonly server: string;
  readonly status: number;
  /**
   * Why the answer is ours and not the server's, or why it broke off: the metric's `reason`; '' where it is the server's
   * and whole. `status` is 0 where no answer had begun.
   */
  readonly flag: string;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Those of them in which it waited for a server to have room. */
  readonly waited: number;
  readonly retries: number;
  /** Of the trace that began or went on with us; '' where there is none of ours. */
  readonly trace: string;
}

const MAX_BATCH = 65_536;

export class AccessLog {
  private readonly share: Share;
  private batch = '';
  private readonly emit: (lines: string) => void;

  /** `share` of the requests, 0 … 1, evenly spread. */
  constructor(share: number, emit: (lines: string) => void = (lines) => writeAll(lines)) {
    this.share = new Share(share);
    this.emit = emit;
  }

  /** Is this request one of the sample? */
  sample(): boolean {
    return this.share.take();
  }

  write(record: AccessRecord): void {
    this.batch += `${JSON.stringify({ time: new Date().toISOString(), log: 'access', ...record })}\n`;
    if (this.batch.length > MAX_BATCH) this.flush();
  }

  /** Called by the sweeper: lines are at most a tick late. */
  flush(): void {
    if (this.batch === '') return;
    const lines = this.batch;
    this.batch = '';
    this.emit(lines);
  }
}

/** A reader that does not keep up loses lines; a request never waits for it. */
function writeAll(lines: string): void {
  try {
    writeSync(1, lines);
  } catch {
    // EAGAIN of a full pipe, or a reader that is gone
  }
}
