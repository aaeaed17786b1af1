/** What the API server answered, or that it did not. */
export class ApiError extends Error {
  /** HTTP status; 0: no answer came, and nothing is known of what was done. */
  readonly status: number;
  /** One word of the API's, such as `Conflict`, `Expired`, `NotFound`; of ours: `NoAnswer`, `Timeout`. */
  readonly reason: string;
  /** Milliseconds after which the server wants to be asked again; null: it did not say. */
  readonly retryAfter: number | null;

  constructor(message: string, status: number, reason: string, retryAfter: number | null = null) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

export const isConflict = (error: unknown): boolean => hasStatus(error, 409);
export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);
/** The version that was asked for is too old to be continued from. */
export const isGone = (error: unknown): boolean => hasStatus(error, 410);

/** Trying again may help: no answer, too many requests, or a fault of the server's. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);

const hasStatus = (error: unknown, status: number): boolean => error instanceof ApiError && error.status === status;
