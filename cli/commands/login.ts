import { spawn } from 'node:child_process'
import { Command } from 'commander'
import { describeGateway, gatewayUrl } from '../credentials/gateway-description.ts'
import { removeLogin, writeLogin } from '../credentials/login-file.ts'
import { type SignInVoice, signInWithBrowser, signInWithDevice } from '../credentials/sign-in.ts'
import { type CommandContext, printable } from '../terminal.ts'

interface Options {
  readonly browser?: true
  readonly device?: true
  readonly logout?: true
}

export const loginCommand = (context: CommandContext): Command =>
  new Command('login')
    .description('Sign in to a gateway; the other commands use the login until it expires.')
    .argument('<url>', 'address of the gateway, such as https://chaperone.example.org')
    .option('--browser', 'with a browser on this machine (default where there is a display)')
    .option('--device', 'with a code that is entered in a browser elsewhere (default where there is none)')
    .option('--logout', 'forget the login instead')
    .addHelpText(
      'after',
      '\nThe login is kept in $XDG_CONFIG_HOME/chaperone (~/.config/chaperone), readable by you only.\nExit status: 0 signed in, 1 not.',
    )
    .action(async (address: string, options: Options) => {
      const { environment, out } = context
      const url = gatewayUrl(address)
      if (options.logout) {
        out.error((await removeLogin(environment, url)) ? `Logged out of ${url}.` : `Nobody was logged in to ${url}.`)
        return
      }
      const gateway = await describeGateway(url)
      const withBrowser = options.browser ?? (options.device === undefined && hasDisplay(environment))
      const voice = voiceOf(context, withBrowser)
      const login = await (withBrowser ? signInWithBrowser(gateway, voice) : signInWithDevice(gateway, voice))
      await writeLogin(environment, login)
      out.error(`Logged in to ${url}.`)
      if (login.refreshToken === undefined)
        out.error('The identity provider gave no refresh token: the login ends with its token.')
    })

const hasDisplay = (environment: CommandContext['environment']): boolean =>
  process.platform === 'darwin' ||
  [environment['DISPLAY'], environment['WAYLAND_DISPLAY']].some((value) => value !== undefined && value !== '')

/** The addresses and codes come from the identity provider. */
function voiceOf({ environment, out }: CommandContext, opens: boolean): SignInVoice {
  return {
    open: (url, code) => {
      out.error(`Sign in at:\n\n    ${printable(url)}\n`)
      if (code !== undefined) out.error(`The page has to show this code: ${printable(code)}\n`)
      if (!opens) return
      const program = environment['BROWSER'] ?? (process.platform === 'darwin' ? 'open' : 'xdg-open')
      // Whether it can be started or not: the address is there to be copied.
      spawn(program, [url], { stdio: 'ignore', detached: true })
        .on('error', () => undefined)
        .unref()
    },
  }
}
