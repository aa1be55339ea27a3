import type { ApiDescription } from '../../lib/http/openapi.ts'

/** What the supernode's API says of itself. */
export const SUPERNODE_API: ApiDescription = {
  title: 'Damselfly supernode',
  description:
    'Registers peers, and shows what is here and for whom. Beside ours, answers have the fields that tools of Dragonfly v1 read.',
  servers: [
    {
      url: '/v{version}',
      description: 'as tools of Dragonfly v1 may ask',
      variables: { version: { default: '1.0', description: 'digits and dots; all mean the same' } },
    },
  ],
}
