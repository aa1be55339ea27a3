import { Option } from 'commander'
import type { ConfigLeaf } from './leaves.ts'

/** What there is to know about the flag of a setting. */
export interface SettingInit {
  readonly leaf: ConfigLeaf
  /** What it does. */
  readonly text: string
  /** Its default in words; `undefined` where there is nothing to say. */
  readonly defaultText: string | undefined
  /** Its environment variable. */
  readonly environment: string
}

/** The command-line option of a setting. Its value is found under the dotted path of the setting. */
export class SettingOption extends Option {
  readonly setting: SettingInit

  constructor(flags: string, setting: SettingInit) {
    const { text, defaultText } = setting
    super(flags, defaultText === undefined ? text : `${text} (default: ${defaultText})`)
    this.setting = setting
  }

  override attributeName(): string {
    return this.setting.leaf.path.join('.')
  }
}
