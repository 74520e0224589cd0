import "./fonts/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import { ring } from "./alarms/ring";
import { prepareSound } from "./alarms/sound";
import { listen } from "./keys";
import { followWhileLoggedIn } from "./live/node";
import { refresh, session } from "./live/session";
import { begin } from "./offline/queue";
import { keepShell } from "./offline/shell_cache";
import { settings } from "./parts/settings";
import { route } from "./route";
import { ready } from "./shell/screens";
import { preferred, speak } from "./words/words";

/** An ended session may be taken up again by logging in elsewhere; a node that starts answers late. */
const AGAIN_MS = 3_000;

async function start(): Promise<void> {
  // The screen that was asked for is fetched while words and session are still on their way.
  void ready(route.value.screen).catch(() => undefined);
  const theme = () => (document.documentElement.dataset["theme"] = settings.value.theme);
  settings.watch(theme);
  theme();
  await speak(preferred(settings.value.language));
  listen();
  prepareSound();
  ring();
  followWhileLoggedIn();
  await import("./shell/app");
  keepShell();
  await begin();
  await refresh();
  setInterval(() => session.value.state === "unknown" && void refresh(), AGAIN_MS);
}

void start();
