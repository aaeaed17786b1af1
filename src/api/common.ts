/** The small types that the kinds share; each refusal says what was expected. */
import { z } from 'zod';

import { atomicList, type Transition, withRules } from './cel.ts';
import { DEFAULT_CLASS } from './group.ts';

/** RFC 1123 label: names of our objects, of apps, listeners and rules. */
export const dnsLabel = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, {
    error: 'a name of lower-case letters, digits and "-", at most 63 characters, such as "web1"',
  });

/** RFC 1123 subdomain: names of Kubernetes' own objects. */
export const dnsSubdomain = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, {
    error: 'a name of lower-case letters, digits, "-" and ".", at most 253 characters',
  });

/** A host of a request, or `*.` and a suffix: RFC 1123, lower case. */
export const hostPattern = z
  .string()
  .min(1)
  .max(253)
  .regex(/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, {
    error: 'a host in lower case such as "shop.example" or "*.shop.example"',
  });

const ADDRESS_EXPECTED = 'an IP address (IPv6 without brackets) or a DNS name, such as "10.0.0.11"';
const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = `^${OCTET}(\\.${OCTET}){3}$`;

/**
 * An IP address or a DNS name; IPv6 without brackets. What consists of digits and dots is no name (RFC 3696, section 2),
 * and resolvers guess at it: "1.2.3.400" fails in every request, and "10.1" is 10.0.0.1.
 */
export const address = withRules(
  z
    .string()
    .min(1)
    .max(253)
    .regex(
      /^([A-Za-z0-9]([-A-Za-z0-9_]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9_]*[A-Za-z0-9])?)*\.?|[0-9A-Fa-f:.]{2,45})$/,
      { error: ADDRESS_EXPECTED },
    ),
  [
    {
      // Not by the pattern: in a rule's filters its cost would be over the API server's budget.
      cel: "!self.matches('^[0-9.]+$') || isIP(self)",
      message: ADDRESS_EXPECTED,
      holds: (self) => !/^[0-9.]+$/.test(self) || new RegExp(IPV4).test(self),
    },
  ],
);

/** An IP address to bind. The pattern is coarse (RE2, for the CRD); translate judges the address itself. */
export const ipAddress = z
  .string()
  .min(2)
  .max(45)
  .regex(/^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/, {
    error: 'an IP address such as "127.0.0.1" or "::"',
  });

export const port = z.int().min(1).max(65535);

/** KTCPVS's range; more would not add to the precision of shares. */
export const weight = z.int().min(0).max(65535);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DAY = 24 * 3_600_000;
const DURATION_EXPECTED = 'a duration of 1ms to 24h such as "500ms", "60s", "5m" or "1h"';

/** Milliseconds of a duration, or null where the text is none. */
export const parseDuration = (text: string): number | null => {
  const match = /^([1-9][0-9]{0,7})(ms|s|m|h)$/.exec(text);
  return match === null ? null : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
};

/** One number and one unit; 0 is refused by the pattern, because no time-out may be infinite. */
export const duration = withRules(
  z
    .string({ error: DURATION_EXPECTED })
    .max(10)
    .regex(/^[1-9][0-9]{0,7}(ms|s|m|h)$/, { error: DURATION_EXPECTED }),
  [
    {
      cel: "!self.matches('^[1-9][0-9]{0,7}(ms|s|m|h)$') || duration(self) <= duration('24h')",
      message: DURATION_EXPECTED,
      holds: (self) => (parseDuration(self) ?? 0) <= DAY,
    },
  ],
);

/** A Kubernetes quantity that is not negative: `4`, `"500m"`, `8Gi`. */
export const quantity = z
  .union(
    [
      z.int().min(0),
      z
        .string()
        .max(32)
        .regex(/^[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$/),
    ],
    { error: 'a quantity such as 4, "500m" or "8Gi"' },
  )
  .meta({ 'x-kubernetes-int-or-string': true });

/** A decimal number as text, because the API knows no floats. */
export const decimal = z
  .string()
  .max(20)
  .regex(/^[0-9]+(\.[0-9]+)?$/, { error: 'a decimal number as a string, such as "0.8"' });

/** A decimal number of 0 to 1 as text. */
export const fraction = z
  .string()
  .max(20)
  .regex(/^(0(\.[0-9]+)?|1(\.0+)?)$/, { error: 'a number of 0 to 1 as a string, such as "0.8"' });

/** A Service's port by number or name. */
export const servicePort = z
  .union(
    [
      z.int().min(1).max(65535),
      z
        .string()
        .min(1)
        .max(15)
        .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
    ],
    { error: "a Service's port: its number, 1 to 65535, or its name" },
  )
  .meta({ 'x-kubernetes-int-or-string': true });

export const className = dnsLabel.default(DEFAULT_CLASS).describe('Which installation owns the object. Immutable.');

export const classIsImmutable: Transition<{ className: string }> = {
  cel: 'self.className == oldSelf.className',
  message: 'className is immutable',
  fieldPath: '.className',
  holds: (self, old) => self.className === old.className,
};

export const namespaceOfRef = dnsLabel
  .exactOptional()
  .describe(
    "Namespace of the object; the referring object's own where absent. Another one needs a ReferenceGrant there.",
  );

export const serviceRef = z.strictObject({
  name: dnsLabel.describe('Name of the Service.'),
  namespace: namespaceOfRef,
  port: servicePort.exactOptional().describe('Port of the Service, by number or name; may be absent where it has one.'),
});

export const secretRef = z.strictObject({
  name: dnsSubdomain.describe('Name of the Secret.'),
  namespace: namespaceOfRef,
});

export const secretRefs = (what: string) => atomicList(secretRef.describe('A Secret.'), 16).default([]).describe(what);

/** A bounded text for people. */
export const text = (max: number) => z.string().max(max);

export type ServiceRef = z.output<typeof serviceRef>;
export type SecretRef = z.output<typeof secretRef>;
