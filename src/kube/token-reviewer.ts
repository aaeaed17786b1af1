import type { Api } from './api.ts';
import { withRetries } from './retry.ts';

export interface TokenReviewerOptions {
  readonly api: Api;
  /** That the token must have been made for. */
  readonly audience: string;
  /** The one user whose tokens are taken: `system:serviceaccount:NAMESPACE:NAME`. */
  readonly username: string;
}

export type ReviewedToken =
  | {
      readonly ok: true;
      readonly podUid: string;
      readonly podName: string;
      /** ms since 1970 */ readonly expires: number;
    }
  | { readonly ok: false; readonly why: string };

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly error?: string;
    readonly audiences?: readonly string[];
    readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  };
}

const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const POD_UID = 'authentication.kubernetes.io/pod-uid';
const POD_NAME = 'authentication.kubernetes.io/pod-name';
/** A token that does not say when it ends is asked about again after this time. */
const UNKNOWN_EXPIRY = 60_000;

/**
 * Asks the API server whose token it is. Any pod can have a token made for any audience, so the audience alone proves
 * nothing: the user must be exactly the one that is expected, and the token bound to a pod. Errors: ApiError, where the
 * API server could not be asked.
 */
export function createTokenReviewer({ api, audience, username }: TokenReviewerOptions) {
  return {
    review: async (token: string): Promise<ReviewedToken> => {
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] },
      };
      const { status = {} } = await withRetries(() => api.call<TokenReview>('POST', REVIEWS, { body, timeout: 5000 }), {
        attempts: 2,
      });
      const { authenticated, error, audiences = [], user = {} } = status;
      if (authenticated !== true) return no(error ?? 'the API server does not know the token');
      if (!audiences.includes(audience)) return no(`the token is not for the audience ${audience}`);
      if (user.username !== username) return no(`the token is of ${user.username ?? 'nobody'}, expected ${username}`);
      const podUid = user.extra?.[POD_UID]?.[0];
      if (podUid === undefined) return no('the token is not bound to a pod');
      return { ok: true, podUid, podName: user.extra?.[POD_NAME]?.[0] ?? '', expires: expiryOf(token) };
    },
  };
}

const no = (why: string): ReviewedToken => ({ ok: false, why });

/** As the token says, which the API server has just found to be true. */
function expiryOf(token: string): number {
  try {
    const [, claims = ''] = token.split('.');
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : Date.now() + UNKNOWN_EXPIRY;
  } catch {
    return Date.now() + UNKNOWN_EXPIRY;
  }
}
