/** An installation's policy, as its file says it: who may claim which hosts, and send requests to which addresses. */
import { z } from 'zod';

import type { AddressRule } from '../model/address-policy.ts';
import { formatNetwork, parseNetwork } from '../model/ip-address.ts';
import { parseYaml, type Position } from '../yaml/parse-yaml.ts';
import { type Fault, issueToFaults } from './faults.ts';

export interface Policy {
  /** Who may claim which hosts; empty: everybody all. */
  readonly hostPolicy: readonly HostRule[];
  /** Who may send requests to which fixed addresses; empty: nobody to any. */
  readonly addressPolicy: readonly AddressRule[];
}

export interface HostRule {
  /** Names; `*` at the end stands for any rest. */
  readonly namespaces: readonly string[];
  /** `shop.example`; `*.shop.example`: every host below it; `*`: all, and requests of no particular host. */
  readonly hosts: readonly string[];
}

const NAMESPACE_EXPECTED = 'a namespace such as "shop", "team-*" for all that begin so, or "*"';
const namespaces = z
  .array(
    z
      .string({ error: NAMESPACE_EXPECTED })
      .max(63)
      .regex(/^([a-z0-9][-a-z0-9]*)?\*?$/, { error: NAMESPACE_EXPECTED })
      .min(1),
  )
  .min(1)
  .max(1000);

const LABELS = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const HOST_EXPECTED = 'a host in lower case such as "shop.example", "*.shop.example" for all below it, or "*" for all';
const host = z
  .string({ error: HOST_EXPECTED })
  .max(253)
  .regex(new RegExp(`^(\\*|(\\*\\.)?${LABELS})$`), { error: HOST_EXPECTED });

const SUFFIX_EXPECTED =
  'a DNS name such as "legacy.example", which stands for itself and all below it, or "*" for every name';
const suffix = z
  .string({ error: SUFFIX_EXPECTED })
  .max(253)
  .regex(new RegExp(`^(\\*|${LABELS})$`), { error: SUFFIX_EXPECTED });

const NETWORK_EXPECTED = 'a network such as "10.0.0.0/8" or "fd00::/8", or an address';
const network = z
  .string({ error: NETWORK_EXPECTED })
  .max(64)
  .superRefine((text, context) => {
    const parsed = parseNetwork(text);
    if (parsed === null) context.addIssue({ code: 'custom', message: NETWORK_EXPECTED });
    // Who writes 10.0.0.1/8 may mean the one address, and would allow sixteen million.
    else if (formatNetwork(parsed, true) !== formatNetwork(parsed, false)) {
      context.addIssue({
        code: 'custom',
        message: `${JSON.stringify(formatNetwork(parsed, true))} if the network is meant, or the address alone`,
      });
    }
  });

const hostRule = z.strictObject({ namespaces, hosts: z.array(host).min(1).max(1000) });
const addressRule = z.strictObject({
  namespaces,
  cidrs: z.array(network).max(1000).default([]),
  dnsSuffixes: z.array(suffix).max(1000).default([]),
});
const policy = z.strictObject({
  hostPolicy: z.array(hostRule).max(1000).nullish(),
  addressPolicy: z.array(addressRule).max(1000).nullish(),
});

/**
 * The policy in a YAML text; an empty one (`{}`) leaves all hosts open, and all addresses shut. Throws an Error whose message
 * says of each fault where it is, what was read and what was expected; a text with nothing in it is one, for it is rather what a
 * full disk left of a policy.
 */
export const parsePolicy = (text: string): Policy => {
  if (text.trim() === '') throw new Error('read an empty file, expected a policy ("{}" is one that has no rules)');
  const parsed = parseYaml(text);
  if ('fault' in parsed) throw new Error(`${placeText(parsed.fault)}${parsed.fault.message}`);
  const [document, second] = parsed.documents;
  if (second !== undefined) throw new Error(`${placeText(second.locate([]))}a second document; a policy is one`);
  const result = policy.safeParse(document?.value ?? {});
  if (result.success) {
    const { hostPolicy, addressPolicy } = result.data;
    return { hostPolicy: hostPolicy ?? [], addressPolicy: addressPolicy ?? [] };
  }
  const faults = result.error.issues.flatMap((issue) => issueToFaults('policy', policy, document?.value, issue, []));
  const shown = faults.slice(0, MAX_FAULTS).map((fault) => faultText(fault, document?.locate(fault.path)));
  const more = faults.length > MAX_FAULTS ? [`and ${faults.length - MAX_FAULTS} more`] : [];
  throw new Error([...shown, ...more].join('; '));
};

const MAX_FAULTS = 10;

const placeText = ({ line, column }: Position): string => `line ${line}, column ${column}: `;

const faultText = ({ field, read, expected }: Fault, position: Position | undefined): string =>
  `${position === undefined ? '' : placeText(position)}${field}: read ${read}, expected ${expected}`;
