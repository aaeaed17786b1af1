/** What each ServiceAccount of rendered objects may do, one line per right: a table to read, and to compare with. */
import type { Rendered, Yaml } from './stage.ts';

export interface Right {
  /** `system:serviceaccount:NS:NAME` */
  readonly user: string;
  /** null: everywhere, and cluster-scoped things. */
  readonly namespace: string | null;
  readonly group: string;
  readonly resource: string;
  /** null: all. */
  readonly names: readonly string[] | null;
  readonly verbs: readonly string[];
}

/** Errors: a binding of a role that the objects do not have. */
export function rightsOf(all: Rendered): readonly Right[] {
  const bindings = [...all.ofKind('ClusterRoleBinding'), ...all.ofKind('RoleBinding')];
  return bindings.flatMap(({ metadata, roleRef, subjects }) => {
    const [role] = all.ofKind(roleRef.kind).filter((each) => sameRole(each, roleRef, metadata));
    if (role === undefined)
      throw new Error(`${metadata.name} binds ${roleRef.kind} ${roleRef.name}, which is not there`);
    return subjects.flatMap((subject: Yaml) =>
      role.rules.flatMap((rule: Yaml) => expand(rule, userOf(subject), metadata.namespace ?? null)),
    );
  });
}

export function rightsTable(rights: readonly Right[], accounts: readonly string[]): string {
  const lines = [...rights].map(({ user, namespace, group, resource, names, verbs }) => {
    const what = `${resource}${group === '' ? '' : `.${group}`}${names === null ? '' : ` [${names.join(', ')}]`}`;
    return { user, text: `  ${(namespace ?? '*').padEnd(14)}${what.padEnd(60)} ${verbs.join(' ')}` };
  });
  const table = accounts.flatMap((account) => {
    const own = lines.filter(({ user }) => user === account).map(({ text }) => text);
    return [account, ...(own.length === 0 ? ['  nothing'] : own.toSorted())];
  });
  return `${table.join('\n')}\n`;
}

/** `system:serviceaccount:NS:NAME` of every ServiceAccount. */
export function accountsOf(all: Rendered): readonly string[] {
  return all
    .ofKind('ServiceAccount')
    .map(({ metadata }) => userOf(metadata))
    .toSorted();
}

const userOf = ({ namespace, name }: Yaml): string => `system:serviceaccount:${namespace}:${name}`;

function sameRole(role: Yaml, roleRef: Yaml, binding: Yaml): boolean {
  return (
    role.metadata.name === roleRef.name &&
    (role.kind === 'ClusterRole' || role.metadata.namespace === binding.namespace)
  );
}

function expand(rule: Yaml, user: string, namespace: string | null): Right[] {
  return rule.apiGroups.flatMap((group: string) =>
    rule.resources.map((resource: string) => ({
      user,
      namespace,
      group,
      resource,
      names: rule.resourceNames ?? null,
      verbs: rule.verbs,
    })),
  );
}
