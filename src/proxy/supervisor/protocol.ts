/** What the supervisor and the serving process say to each other over the IPC channel. */
export type ToSupervisor =
  /** Answered with `bound` and the handle, or with `refused`. */
  | { readonly tcpvs: 'bind'; readonly id: number; readonly where: Where }
  /** Answered with `released`. */
  | { readonly tcpvs: 'release'; readonly id: number; readonly where: Where }
  /** Serves all that it shall serve: the process before it may go. */
  | { readonly tcpvs: 'ready' };

export type ToServing =
  | { readonly tcpvs: 'bound'; readonly id: number }
  | { readonly tcpvs: 'released'; readonly id: number }
  | { readonly tcpvs: 'refused'; readonly id: number; readonly message: string }
  /** Finish what runs, at most `deadline` ms, and end. */
  | { readonly tcpvs: 'drain'; readonly deadline: number; readonly replaced: boolean }
  | { readonly tcpvs: 'reload' };

export type Where = { readonly address: string; readonly port: number } | { readonly path: string };

export function whereKey(where: Where): string {
  return 'path' in where ? where.path : `${where.address} ${where.port}`;
}

/** Set in the environment of a serving process: its IPC channel leads to a supervisor. */
export const SUPERVISED = 'TCPVS_SUPERVISED';
