import type { Api, CallOptions } from './api.ts';
import type { KubeObject } from './resource.ts';

/** Objects of a page: some megabytes at most. */
const PAGE = 500;
const TIMEOUT = 30_000;

interface ListPage {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

/**
 * Lists a collection as it is now (not from some cache), page by page; all pages show the same moment. Answers with that
 * moment's resource version. Errors: ApiError; with a page that fails the list has failed.
 */
export async function listPages(
  api: Pick<Api, 'call'>,
  path: string,
  options: CallOptions & { readonly onPage: (objects: readonly KubeObject[]) => void; readonly page?: number },
): Promise<string> {
  const { onPage, page = PAGE, query, ...call } = options;
  let next: string | undefined;
  for (;;) {
    // Each page says where the next one begins.
    const list = await api.call<ListPage>('GET', path, {
      timeout: TIMEOUT,
      ...call,
      query: { ...query, limit: page, continue: next },
    });
    onPage(list.items ?? []);
    const { resourceVersion = '', continue: more = '' } = list.metadata ?? {};
    if (more === '') return resourceVersion;
    next = more;
  }
}
