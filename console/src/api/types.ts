// Made from the own API by scripts/console_types.py; not to be edited by hand.

export interface Acceptance {
  plan?: string;
}

export interface AccountList {
  accounts: AccountView[];
}

export interface AccountView {
  id: string;
  name: string;
  display_name: string;
  initials: string;
  role: Role;
  made: string;
  made_by: string;
  password_set: string;
  sessions: number;
}

export interface AgreedArea {
  lat_deg: number | null;
  lng_deg: number | null;
  radius_m: number | null;
  corners_lat_lng_deg: ([number, number])[];
  volume_km2_max: number;
}

export interface AgreedDesk {
  id: string;
  names: Record<string, string>;
  languages: string[];
  hours: string;
  days: string[];
  deputy: string;
  voice: string;
}

export interface AgreedLead {
  plan_s: number;
  no_go_s: number;
  emergency_s: number;
}

export interface AgreedMinima {
  horizontal_m: number;
  vertical_m: number;
  time_s: number;
  between: string[];
}

export interface AgreedParty {
  id: string;
  names: Record<string, string>;
  ours: boolean;
  url: string;
  key_sha256: string;
  key_words: string[];
  certificate_sha256: string | null;
  register: boolean;
  struck: boolean;
  desks: AgreedDesk[];
  digest: string | null;
  digest_at: string | null;
  same: boolean | null;
}

export interface AgreedRegister {
  id: string;
  party: string | null;
  url: string;
  foreign: boolean;
  counts: boolean;
}

export interface AgreedRules {
  equal_priority_blocks: boolean;
  level_step_m: number;
  lowest_m: number;
  highest_m: number;
  delay_max_s: number;
  if_unreachable: string;
  hold_limit_s: number;
  silence: string;
  confirm_every_s: number | null;
  expire_after_s: number | null;
  formations: Record<string, string[]>;
}

export interface AgreedSentence {
  about: string;
  says: string;
}

export interface AgreedStep {
  rung: string;
  after_s: number;
  role: string | null;
  desk: string;
  by: string;
}

export interface AgreedTimes {
  arrived_s: number;
  seen_s: number;
  read_back_s: number;
  answered_s: number;
  decided_s: number;
  check_every_s: number;
  check_caution_s: number;
  check_warning_s: number;
  clocks_differ_s: number;
}

export interface AgreementView {
  name: string;
  version: number;
  previous: string;
  digest: string;
  words: string[];
  valid_until: string | null;
  party: string;
  parties: AgreedParty[];
  registers: AgreedRegister[];
  area: AgreedArea;
  minima: AgreedMinima[];
  minima_largest: AgreedMinima;
  lead: AgreedLead;
  times: AgreedTimes;
  escalation: AgreedStep[];
  rules: AgreedRules;
  sentences: AgreedSentence[];
  sentences_language: string;
  versions: SignedVersion[];
  papers_problem: string | null;
  next: NextVersionView | null;
  document: string;
}

export interface Airspace {
  entries: AirspaceEntry[];
}

export interface AirspaceEntry {
  id: string;
  kind: string;
  manager: string;
  name: string;
  state: string | null;
  priority: number;
  category: Category | null;
  registers: string[];
  time_start: string;
  time_end: string;
  altitude_m_min: number;
  altitude_m_max: number;
  volumes: (Record<string, unknown>)[];
}

export interface AlarmList {
  alarms: AlarmView[];
  raised_today: Record<string, number>;
  nuisances_today: number;
}

export interface AlarmView {
  id: string;
  kind: string;
  level: string;
  worst: string;
  stage: string;
  flashing: boolean;
  one: string;
  other: string;
  names: string[];
  sentence: string;
  code: string;
  also: string[];
  facts: Record<string, string | number>;
  raised: string;
  changed: string;
  cleared: string | null;
  acknowledged: string | null;
  acknowledged_by: string | null;
  acknowledged_there: string[];
  suppressed_until: string | null;
  suppressed_by: string | null;
  in_s: number | null;
  lat_deg: number | null;
  lng_deg: number | null;
  ways_out: string[];
  ways: Message[];
  not_told: string[];
  nuisance: boolean;
}

export interface Alternative {
  kind: string;
  delay_s: number;
  up_m: number;
  north_m: number;
  east_m: number;
  cost: number;
  start: string;
  altitude_text: string;
  sentence: string;
}

export interface Altitude {
  value: number;
  reference: "W84";
  units: "M";
}

export interface Answer {
  letters: Fate[];
}

export interface AreaView {
  id: string;
  kind: string;
  own: boolean;
  intent_id: string;
  party: string;
  name: string;
  status: string;
  state: string | null;
  coordinated: boolean | null;
  priority: number;
  category: Category | null;
  registers: string[];
  time_start: string;
  time_end: string;
  altitude_m_min: number;
  altitude_m_max: number;
  sentence: string;
  volumes: (Record<string, unknown>)[];
  off_nominal_volumes: (Record<string, unknown>)[];
  first: number;
  last: number | null;
  since: string;
  until: string | null;
}

export interface Blocker {
  id: string;
  kind: string;
  manager: string;
  name: string;
  horizontal_m: number;
  vertical_m: number;
  time_s: number;
  margin: number;
  least: string;
  time_start: string;
  time_end: string;
  altitude_m_min: number;
  altitude_m_max: number;
  lat_deg: number;
  lng_deg: number;
  altitude_text: string;
  minima_horizontal_m: number | null;
  minima_vertical_m: number | null;
  minima_time_s: number | null;
  minima_code: string;
  minima_categories: string[];
  sentence: string;
}

export interface BundleToVerify {
  bundle: string;
}

export interface BundleView {
  sha256: string | null;
  size: number;
  from: string;
  to: string;
  party: string | null;
  withheld: string;
  path: string | null;
  says: WordView;
}

export type Category = "balloon" | "drone" | "glider" | "heavy" | "helicopter" | "light" | "medium";

export interface CircleView {
  lat: number;
  lng: number;
  radius_m: number | null;
}

export interface ConstraintProviderAssociation {
  constraint_id: string;
  constraint_provider_id: string;
}

export interface ConstraintView {
  id: string;
  party: string;
  name: string;
  status: string;
  time_start: string;
  time_end: string;
  altitude_m_min: number;
  altitude_m_max: number;
  registers: RegisterView[];
  volumes: (Record<string, unknown>)[];
  stated: (Record<string, unknown>)[];
  updated: string;
  confirmed: string;
  standing: string | null;
  expires: string | null;
}

export interface CorridorView {
  points: ([number, number])[];
  half_width_m: number | null;
}

export interface CosignedView {
  witness: string;
  size: number;
  time: string;
}

export interface Delivery {
  letters: Wire[];
}

export interface DueView {
  rung: string;
  at: string;
  overdue: boolean;
  by: string;
  about: string;
  escalation: string | null;
  escalation_at: string | null;
  fired: string[];
}

export interface Ended {
  ended: number;
}

export interface ExchangeRecord {
  url: string;
  method: string;
  recorder_role: "Client" | "Server";
  request_time: Time;
  request_source: string | null;
  headers: string[] | null;
  request_body: string | null;
  response_time: Time | null;
  response_body: string | null;
  response_code: number | null;
  problem: string | null;
}

export interface Fate {
  note: string;
  receipt: Wire | null;
  code: string | null;
  problem: string | null;
}

export interface FeedList {
  feeds: FeedView[];
  refused: Record<string, number>;
  tracks: number;
}

export type FeedScope = "feed" | "metrics";

export interface FeedSwitch {
  name: string;
  on: boolean;
}

export interface FeedTokenList {
  tokens: FeedTokenView[];
}

export interface FeedTokenMade {
  id: string;
  name: string;
  scopes: FeedScope[];
  token: string;
}

export interface FeedTokenView {
  id: string;
  name: string;
  scopes: FeedScope[];
  made: string;
  made_by: string;
}

export interface FeedView {
  name: string;
  kind: string;
  url: string;
  state: string;
  sentence: string;
  age_s: number | null;
  connections: number;
  messages: number;
  positions: number;
  refused: Record<string, number>;
  clock_offset_s: number | null;
}

export interface Finding {
  level: Level;
  code: string;
  sentence: string;
  note: string | null;
}

export interface FirstAccount {
  token: string;
  name: string;
  display_name: string;
  initials: string;
  password: string;
}

export interface FoundNotes {
  notes: NoteView[];
  more: boolean;
  searched_to: number | null;
  searched_to_time: string | null;
}

export interface Freed {
  address: string;
}

export interface Gap {
  from: string;
  to: string;
}

export interface GroundView {
  lowest_m: number;
  highest_m: number;
  datum: string;
}

export interface HistoryMoment {
  age_s: number;
  slice: SliceView;
  areas: AreaView[];
}

export interface HistoryPage {
  slices: SliceView[];
  areas: AreaView[];
  next: string | null;
}

export interface HistoryView {
  from: string | null;
  to: string | null;
  step_s: number;
  slices: number;
  bytes: number;
  gaps: Gap[];
  sentence: string;
}

export interface HookView {
  name: string;
  on: string[];
  last: string | null;
  problem: string | null;
  failures: number;
  waiting: number;
  dropped: number;
}

export interface IssuerView {
  iss: string;
  source: string;
  keys: number;
  read_at: string | null;
  age_s: number | null;
  problem: string | null;
}

export interface LeadView {
  required_s: number;
  receivers_word: SpanView;
  senders_word: SpanView;
  guaranteed_s: number | null;
  shown: SpanView;
  late: string;
  impossible: boolean;
  sentence: string;
}

export type Level = "claimed" | "proved" | "withheld" | "wrong";

export interface LevelView {
  value: number;
  units: string;
  datum: string | null;
}

export interface LineView {
  party: string;
  name: string;
  state: string;
  by: string[];
  stances: StanceView[];
  check: string;
  last_check: string | null;
  next_check: string;
  waiting: number;
  problem: string | null;
  missing: number[];
  offset: SpanView;
  clock: string;
  stops: number;
  heard: string | null;
  late_ours: number;
  late_theirs: number;
  overdue_ours: number;
  overdue_theirs: number;
}

export interface LinesView {
  lines: LineView[];
  watch: WatchView;
  clock_error_s: number | null;
  stops: ThreadView[];
}

export interface LogHeadView {
  origin: string;
  size: number;
  root: string;
  time: string;
  checkpoint: string;
  cosigned: CosignedView[];
}

export interface Login {
  name: string;
  password: string;
  kind?: "bearer" | "cookie";
}

export interface Me {
  name: string;
  display_name: string;
  initials: string;
  role: Role;
  account: string | null;
  session: string | null;
  csrf_token: string | null;
}

export interface Message {
  code: string;
  facts: Record<string, string | number>;
  also: string[];
}

export interface Move {
  delay_s?: number;
  up_m?: number;
  north_m?: number;
  east_m?: number;
}

export interface NewAccount {
  name: string;
  display_name: string;
  initials: string;
  role: Role;
  password: string;
}

export interface NewAnswer {
  text?: string;
  language?: string;
  word: string;
  minutes?: number | null;
}

export interface NewCall {
  text?: string;
  language?: string;
  to: string;
  at?: string | null;
}

export interface NewCounter {
  text?: string;
  language?: string;
  shift: Move;
  moves: string;
}

export interface NewFeedToken {
  name: string;
  scopes: FeedScope[];
}

export interface NewIncident {
  text?: string;
  language?: string;
  start: string;
  end: string;
  to?: string[];
}

export interface NewMessage {
  code: string;
  parameters?: Record<string, string | number>;
  to?: string[];
  exercise?: boolean;
}

export interface NewNotice {
  text?: string;
  language?: string;
  id: string;
  to?: string[];
}

export interface NewPassword {
  password: string;
}

export interface NewRole {
  role: Role;
}

export interface NewStance {
  text?: string;
  language?: string;
  state: string;
  to?: string[];
}

export interface NewWatch {
  desk?: string;
  text?: string;
}

export interface NextVersionView {
  version: number;
  digest: string;
  waits: string[];
}

export interface NoGoAreas {
  constraints: ConstraintView[];
}

export interface NoSlot {
  code: string;
  later_s: number;
  earlier_s: number;
  up_m: number;
  down_m: number;
  first_free: string | null;
}

export interface NoteView {
  id: string;
  kind: string;
  sender: string;
  receiver: string;
  mode: string;
  number: number;
  turn: number;
  time: string;
  word: string;
  thread: string;
  re: string | null;
  entry: number;
  own: Record<string, string>;
  payload: Record<string, unknown> | null;
  sentences: string[];
  arrived: boolean | null;
  problem: string | null;
  out_of_turn: boolean;
}

export interface Nothing {
}

export interface Notice {
  note: string;
  sender: string;
  receiver: string;
  words: string;
  start: string;
  required_s: number;
  arrived: boolean;
  receivers_word: Span;
  senders_word: Span;
  guaranteed_s: number | null;
  third_party: string | null;
  impossible: boolean;
  late: string;
}

export type NotificationTrigger = "SCD0090" | "SCD0095";

export interface OpenItemView {
  thread: string;
  kind: string;
  party: string;
  stage: string;
}

export interface OperationalIntentPositions {
  operational_intent_id: string;
  positions: PositionRecord[];
}

export interface OperatorAssociation {
  operational_intent_id: string;
  operator_id: string;
}

export interface OutboxEntry {
  note: string;
  party: string;
  kind: string;
  since: string;
  tries: number;
  last_try: string | null;
  refused: boolean;
  problem: string | null;
}

export interface OutboxView {
  waiting: OutboxEntry[];
}

export interface OutlineView {
  circle: CircleView | null;
  polygon: ([number, number])[] | null;
  corridor: CorridorView | null;
}

export interface OwnPassword {
  current: string;
  password: string;
}

export interface Pasted {
  text?: string;
  base64?: string;
  kind?: "aeronautical" | "auto" | "coordinates" | "geojson" | "kml";
  language?: "en";
  radius_m?: number | null;
  half_width_m?: number | null;
}

export interface PeerView {
  id: string;
  url: string;
  reachable: boolean | null;
  problem: string | null;
  problem_code: string | null;
  agreement: string | null;
}

export interface PhraseBookView {
  language: string;
  name: string;
  direction: string;
  languages: PhraseLanguage[];
  groups: string[];
  counted: Record<string, Record<string, string>>;
  joint: string;
  untranslated: string;
  unknown: string;
  phrases: PhraseView[];
}

export interface PhraseLanguage {
  code: string;
  name: string;
  direction: string;
}

export interface PhraseParameter {
  name: string;
  kind: string;
  whole: boolean;
  unit: string | null;
  least: number | null;
  most: number | null;
  chars_max: number | null;
  choices: string[];
  choices_text: string[];
  hint: string;
  example: string | number;
}

export interface PhraseView {
  code: string;
  group: string;
  text: string;
  say: boolean;
  parameters: PhraseParameter[];
}

export interface PictureView {
  time: string;
  replay: boolean;
  sentence: string;
  feeds: FeedView[];
  tracks: TrackView[];
  alarms: AlarmView[];
  rings: RingView[];
  nuisances_today: number;
}

export interface PlanView {
  id: string;
  intent_id: string;
  party: string;
  callsign: string;
  formation: string;
  category: Category | null;
  priority: number;
  state: string;
  status: Status;
  coordinated: boolean;
  time_start: string;
  time_end: string;
  altitude_m_min: number;
  altitude_m_max: number;
  registers: RegisterView[];
  reason: string | null;
  reason_code: string | null;
  blockers_count: number;
  blockers: Blocker[];
  alternatives: Alternative[];
  theirs: Alternative[];
  no_slot: string | null;
  no_slot_facts: NoSlot | null;
  not_reached: string[];
  volumes: (Record<string, unknown>)[];
  off_nominal_volumes: (Record<string, unknown>)[];
  warnings: string[];
  stated: (Record<string, unknown>)[];
  updated: string;
}

export interface PlanningRecord {
  time: Time;
  ovns: string[];
  operational_intent_id: string | null;
  missing_operational_intents: string[];
  missing_constraints: string[];
  problem: string | null;
}

export interface Plans {
  plans: PlanView[];
}

export interface Position {
  longitude: number | null;
  latitude: number | null;
  accuracy_h: string | null;
  accuracy_v: string | null;
  extrapolated: boolean | null;
  altitude: Altitude | null;
}

export interface PositionRecord {
  time_received: Time;
  telemetry: VehicleTelemetry;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  field: string | null;
}

export interface ReadView {
  kind: string;
  name: string;
  sentence: SentenceView;
  volumes: ReadVolumeView[];
  warnings: WarningView[];
}

export interface ReadVolumeView {
  outline: OutlineView;
  lower: LevelView | null;
  upper: LevelView | null;
  ground: GroundView | null;
  start: string | null;
  end: string | null;
  name: string;
  lacks: string[];
  sentences: SentenceView[];
  features: (Record<string, unknown>)[];
}

export interface RegisterView {
  id: string;
  holds: string;
  problem: string | null;
  problem_code: string | null;
}

export interface Repeated {
  points: ([number, number])[];
  lower: string;
  upper: string;
  start: string;
  end: string;
  radius_m?: number | null;
}

export interface Report {
  time_measured: string;
  lat_deg: number;
  lng_deg: number;
  altitude_m: number;
  accuracy_h?: "HA005NM" | "HA01NM" | "HA03NM" | "HA05NM" | "HA10NM" | "HA10NMPlus" | "HA10m" | "HA1NM" | "HA1m" | "HA2NM" | "HA30m" | "HA3m" | "HA4NM" | "HAUnknown";
  accuracy_v?: "VA10m" | "VA150m" | "VA150mPlus" | "VA1m" | "VA25m" | "VA3m" | "VA45m" | "VAUnknown";
  extrapolated?: boolean;
  speed_mps?: number | null;
  track_deg?: number | null;
  next_expected?: string | null;
}

export interface ReportList {
  reports: ReportSummary[];
}

export interface ReportSummary {
  id: string;
  reporter: string;
  role: string;
  received: string;
  method: string;
  url: string;
  response_code: number | null;
  problem: string | null;
}

export interface ReportView {
  id: string;
  reporter: string;
  role: string;
  received: string;
  report: Record<string, unknown>;
}

export interface RingAdmission {
  ring: string;
  address: string;
  admitted?: boolean;
}

export interface RingDrawing {
  name: string;
  lat_deg: number;
  lng_deg: number;
  call_nm?: number | null;
  no_entry_nm?: number | null;
  area_nm?: number | null;
  lasts_s?: number;
}

export interface RingList {
  rings: RingSetView[];
}

export interface RingNamed {
  ring: string;
}

export interface RingSetView {
  id: string;
  name: string;
  lat_deg: number;
  lng_deg: number;
  radii_nm: Record<string, number>;
  until: string;
  admitted: string[];
}

export interface RingView {
  id: string;
  name: string;
  kind: string;
  lat_deg: number;
  lng_deg: number;
  radius_m: number;
  until: string;
}

export type Role = "admin" | "viewer" | "watch";

export interface RowView {
  cells: WordView[][];
}

export interface RungView {
  rung: string;
  time: string;
  party: string;
  by: string | null;
  word: string;
}

export interface Said {
  id: string;
  index: number;
  kind: string;
  sender: string;
  receiver: string;
  mode: string;
  number: number;
  time: string;
  clock_error_s: number | null;
  thread: string;
  re: string | null;
  facts: Record<string, string>;
  head: string;
  recorded: string;
  words: string;
  payload: string | null;
  received: string | null;
  receipt: string | null;
}

export interface Saying {
  text?: string;
  language?: string;
}

export interface SectionView {
  code: string;
  title: WordView;
  says: WordView[];
  columns: WordView[];
  widths: number[];
  rows: RowView[];
  left_out: number;
}

export interface SentenceView {
  code: string;
  values: Record<string, string>;
  text: string;
}

export interface SessionList {
  sessions: SessionView[];
}

export interface SessionOpened {
  id: string;
  name: string;
  display_name: string;
  initials: string;
  role: Role;
  ends: string;
  csrf_token: string | null;
  token: string | null;
}

export interface SessionView {
  id: string;
  account: string;
  name: string;
  kind: string;
  address: string;
  begun: string;
  seen: string;
  ends: string;
  current: boolean;
}

export interface SheetView {
  kind: string;
  party: string;
  agreement: string;
  language: string;
  direction: string;
  made: string;
  from: string;
  to: string;
  title: WordView;
  head: WordView[];
  foot: WordView[];
  bundle: BundleView;
  sections: SectionView[];
}

export interface Shift {
  delay_s?: number;
  up_m?: number;
  north_m?: number;
  east_m?: number;
}

export interface SightingGone {
  sighting: SightingView;
  minutes_lost: number;
}

export interface SightingList {
  sightings: SightingView[];
}

export interface SightingNamed {
  sighting: string;
}

export interface SightingReport {
  lat_deg: number;
  lng_deg: number;
  radius_m?: number;
  words?: string;
  lasts_s?: number;
}

export interface SightingView {
  id: string;
  lat_deg: number;
  lng_deg: number;
  radius_m: number;
  time: string;
  until: string;
  words: string;
}

export interface SignedVersion {
  version: number;
  digest: string;
  signed: string[];
  needed: number;
  in_force: boolean;
  reasons: string[];
  bad: string[];
}

export interface Silencing {
  minutes: number;
  reason: string;
}

export interface SliceView {
  number: number;
  time: string;
  picture_time: string;
  sentence: string;
  tracks: TrackView[];
  alarms: AlarmView[];
  rings: RingView[];
}

export interface Span {
  least_s: number | null;
  most_s: number | null;
}

export interface SpanView {
  least_s: number | null;
  most_s: number | null;
}

export interface StanceView {
  party: string;
  stance: string;
  since: string | null;
}

export type Status = "changing" | "contingent" | "coordinated" | "displaced" | "ended" | "ending" | "nonconforming" | "placing" | "rechecking" | "refused" | "uncoordinated" | "waiting";

export interface StatusView {
  party: string;
  version: string;
  time: string;
  agreement: string;
  agreement_name: string;
  agreement_version: number;
  peers: PeerView[];
  plans: Record<string, number>;
  issuers: IssuerView[];
  test_interface: boolean;
  agreement_next: NextVersionView | null;
  hooks: HookView[];
  clock_error_s: number | null;
}

export interface TakenPositions {
  taken: number;
  wrong: string[];
}

export interface TelemetryView {
  id: string;
  manager: string;
  name: string;
  state: string;
  measured: string | null;
  age_s: number | null;
  sentence: string;
  lat_deg: number | null;
  lng_deg: number | null;
  altitude_m: number | null;
  accuracy_h: string | null;
  accuracy_v: string | null;
  extrapolated: boolean;
  speed_mps: number | null;
  track_deg: number | null;
  next_expected: string | null;
}

export interface ThreadView {
  id: string;
  kind: string;
  party: string;
  ours: boolean;
  mode: string;
  stage: string;
  open: boolean;
  superseded: boolean;
  time: string;
  subject: string | null;
  subject_id: string | null;
  version: number | null;
  callsign: string | null;
  start: string | null;
  end: string | null;
  rungs: RungView[];
  lead: LeadView | null;
  due: DueView | null;
  proposal: Move | null;
  proposed_by: string | null;
  moves: string | null;
  told: ToldView | null;
  notes: NoteView[];
}

export interface Threads {
  threads: ThreadView[];
}

export interface Time {
  value: string;
  format: "RFC3339";
}

export interface To {
  text?: string;
  language?: string;
  to?: string[];
  exercise?: boolean;
}

export interface ToldView {
  points: ([number, number])[];
  radius_m: number | null;
  lower: string[];
  upper: string[];
  start: string;
  end: string;
  words: string[];
}

export interface TrackView {
  id: string;
  address: string;
  callsign: string;
  feed: string;
  time: string;
  age_s: number;
  staleness: string;
  lat_deg: number;
  lng_deg: number;
  horizontal_error_m: number;
  height_m: number | null;
  height_error_m: number;
  pressure_m: number | null;
  speed_mps: number | null;
  track_deg: number | null;
  climb_mps: number | null;
  on_ground: boolean;
  plan: string;
  plan_name: string;
  party: string;
  may_be: string[];
  conformance: string;
  sentence: string;
  code: string;
  also: string[];
  facts: Record<string, string | number>;
  level: string;
}

export interface USSLogSet {
  messages: ExchangeRecord[];
  operator_notifications: UserNotificationRecord[];
  operator_inputs: UserInputRecord[];
  operator_associations: OperatorAssociation[];
  planning_attempts: PlanningRecord[];
  operational_intent_positions: OperationalIntentPositions[];
  constraint_provider_associations: ConstraintProviderAssociation[];
}

export interface UserInputRecord {
  triggering_event_time: Time;
  operational_intent_id: string;
  input_triggering_event: string;
  input_details: string | null;
}

export interface UserNotificationRecord {
  triggering_event_time: Time;
  notification_time: Time;
  notification_triggering_event: NotificationTrigger;
  notification_details: string | null;
}

export interface VehicleTelemetry {
  time_measured: Time;
  position: Position | null;
  velocity: Velocity | null;
}

export interface Velocity {
  speed: number;
  units_speed: "MetersPerSecond";
  track: number | null;
}

export interface Verdict {
  text?: string;
  language?: string;
  agreed: boolean;
  plan?: string;
}

export interface VerifiedBundle {
  good: boolean;
  sha256: string;
  bytes: number;
  pinned: boolean;
  by: string;
  agreement: string;
  since: string;
  until: string;
  made: string;
  party: string | null;
  size: number;
  root: string | null;
  entries: number;
  findings: Finding[];
  passages: Notice[];
  notes: Said[];
  not_proven: string[];
}

export interface WarningView {
  code: string;
  values: Record<string, string>;
  text: string;
  volume: number | null;
}

export interface WatchView {
  name: string | null;
  initials: string | null;
  since: string | null;
  relieved: string | null;
  open_items: number;
  sheet: string | null;
  desk: string;
  text: string;
  items: OpenItemView[];
}

export interface Whose {
  address: string;
  plan?: string;
}

export interface Wire {
  note: string;
  salt?: string | null;
  payload?: string | null;
}

export interface WordView {
  code: string;
  parameters: Record<string, string | number>;
  text: string;
}

export interface YieldTally {
  party: string;
  ours: number;
  theirs: number;
  ours_delay_s: number;
  theirs_delay_s: number;
}

export interface YieldView {
  time: string;
  party: string;
  moved: string;
  ours: boolean;
  thread: string;
  plan: string;
  shift: Move | null;
}

export interface YieldsView {
  since: string | null;
  tally: YieldTally[];
  yields: YieldView[];
}
