import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { usesTransform } from '../config/transform-use.ts'
import { HttpDetector } from '../detect/http-detector.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import type { Clock } from '../lib/clock.ts'

/** The external detector; undefined when none is configured or nothing would ask it. */
export async function openDetector(
  config: Config,
  credentials: CredentialResolver,
  clock: Clock,
): Promise<HttpDetector | undefined> {
  const { http } = config.phi.detectors
  if (http === undefined || !isAsked(config)) return undefined
  const { url, caFile, authorization, timeout, language, scoreThreshold, concurrency, maxTextLength, cacheSize } = http
  return new HttpDetector(
    {
      url,
      ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
      authorization: authorization === undefined ? undefined : await credentials.resolve(authorization),
      timeoutMs: timeout,
      language,
      scoreThreshold,
      concurrency,
      maxTextLength,
      cacheSize,
      entities: http.entities,
    },
    clock,
  )
}

const isAsked = ({ phi, targets }: Config): boolean =>
  usesTransform(phi, 'detect') || Object.values(targets).some(({ unlabelledColumns }) => unlabelledColumns === 'detect')
