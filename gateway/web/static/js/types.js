/**
 * The shapes that travel between the service and this page (`/openapi.json` is the authority). No code, only JSDoc.
 *
 * @typedef {{zh: string, en: string}} Sentence
 *
 * @typedef {"call_for_help"|"fire"|"gas"|"fall"|"health"|"inactivity"|"wandering"|"water"|"intrusion"|"technical"} Category
 *
 * @typedef {object} Evidence
 * @property {string} device
 * @property {string} at            the device's own time, UTC
 * @property {string} [received_at]
 * @property {string} property
 * @property {boolean|number} value
 * @property {boolean} [clock_suspect]
 *
 * @typedef {object} Entry           one line of an alert's timeline
 * @property {number|null} seq      its number in the journal; null while it is not on disk
 * @property {string} at
 * @property {string} kind          e.g. `raised claimed noted step_reached`
 * @property {string|null} by
 * @property {string} text          Chinese
 * @property {string} text_en
 * @property {Record<string, string|number|boolean|null|string[]>} data
 *
 * @typedef {object} Alert
 * @property {string} id
 * @property {string|null} home
 * @property {string} home_name
 * @property {string[]} [residents] their names, so that the queue need not open a home's record (which is noted down)
 * @property {string} area
 * @property {string} area_name
 * @property {Category} category
 * @property {1|2|3|4} priority
 * @property {"triggered"|"acknowledged"|"closed"} status
 * @property {string} origin
 * @property {string} title         Chinese, like `reason`
 * @property {string} title_en
 * @property {string} reason
 * @property {string} reason_en
 * @property {string} raised_at
 * @property {string|null} [last_at]
 * @property {string|null} [cleared_at]
 * @property {string|null} [cancelled_at]  the caller took the call back; somebody still has to make sure
 * @property {1|2|3|4} [shown_priority]  one lower than `priority` once the caller took it back
 * @property {string|null} [claim_follows]  the alert of the home with whose claim this one came along
 * @property {string|null} [viewed_at]  when a person first opened or took it
 * @property {string|null} [chattering_at]
 * @property {string|null} [standing_at]
 * @property {string|null} [rearm_at]   closed while its condition held: when that is looked at again
 * @property {string|null} [anew_of]
 * @property {string|null} [acknowledged_at]
 * @property {string|null} [closed_at]
 * @property {string|null} [claimed_by]
 * @property {string|null} [acknowledged_by]
 * @property {string|null} [held_until]
 * @property {string} [transferred_to]
 * @property {string} [room]
 * @property {string|null} [device]
 * @property {number} [step]        the last step of the policy that was reached; -1 before the first
 * @property {string|null} [next_step_at]
 * @property {number} [repeats]
 * @property {string|null} [silenced_by]
 * @property {boolean} [stored]     false: shown, though not on disk
 * @property {string} [disposition]
 * @property {Evidence[]} [evidence]
 * @property {Entry[]} [timeline]    in lists and on the stream its newest entries only
 * @property {number} [timeline_count]
 * @property {{name: string, stage: string, at: string}[]} [responders]
 * @property {string[]} [allowed_actions]
 * @property {string|null} [folded_into]  the area's alert that it is part of
 * @property {{homes: number, dark: number, unchecked: number}|null} [welfare_counts]  of an area's alert
 * @property {Listed[]|null} [welfare]    of an area's alert, when it was read by itself
 * @property {string|null} [welfare_next]
 *
 * @typedef {object} Listed           a home on the list of an area's alert
 * @property {string} home
 * @property {string} home_name
 * @property {string} area_name
 * @property {string[]} residents
 * @property {string} phone
 * @property {number|null} age
 * @property {string[]} risk          why it stands where it does
 * @property {"silent"|"mains"} dark
 * @property {string} dark_since
 * @property {string|null} back_at
 * @property {string|null} last_sign_at
 * @property {string|null} result
 * @property {string|null} checked_at
 * @property {string|null} checked_by
 *
 * @typedef {object} Person
 * @property {string} id
 * @property {"resident"|"contact"|"family"|"neighbour"|"grid_worker"|"doctor"|"other"} role
 * @property {string} name
 * @property {string} [phone]
 * @property {number} [order]
 * @property {number|null} [birth_year]
 * @property {string} [medical]
 * @property {string} [speech]
 * @property {string} [note]
 *
 * @typedef {object} Device
 * @property {string} id
 * @property {string} model
 * @property {string} [name]
 * @property {string} [room]
 * @property {string[]} [exposes]
 * @property {string} [lifecycle]
 * @property {boolean|null} [online]  null until it has shown anything
 * @property {number|null} [battery]
 * @property {string|null} [last_heard_at]
 *
 * @typedef {object} Home
 * @property {string} id
 * @property {string} area
 * @property {string} name
 * @property {string} [address]
 * @property {string} [phone]
 * @property {string} [access]
 * @property {string} [note]
 * @property {string} [area_name]
 * @property {Person[]} residents
 * @property {Person[]} contacts    in the order in which they are rung
 * @property {Device[]} devices
 * @property {{since: string, until: string|null, text: string, text_en: string}[]} [unwatched]
 * @property {HomeMode} [mode]
 *
 * @typedef {object} HomeMode         how a home is lived in
 * @property {string} home
 * @property {string} home_name
 * @property {"home"|"away"|"hospital"|"holiday"} mode
 * @property {string|null} since
 * @property {string|null} until
 * @property {string|null} by
 * @property {string} reason
 * @property {boolean} ending         it ends soon
 *
 * @typedef {object} HomeLine         a home in a list, without its people
 * @property {string} id
 * @property {string} name
 * @property {string} area_name
 * @property {string} address
 *
 * @typedef {object} Matter           something about a home that should be seen to today
 * @property {string} area
 * @property {string} home
 * @property {string} home_name
 * @property {"contacts"|"silent"|"battery"|"visit"|"field_failures"} matter
 * @property {string} sentence        Chinese
 * @property {string} sentence_en
 * @property {string|null} [device]
 *
 * @typedef {{day: string|null, items: Matter[], next: string|null}} Today  `day` is null before the first check
 * @typedef {{id: string, name: string, name_en: string}} Model
 *
 * @typedef {object} Beat
 * @property {string} now
 * @property {number} [seq]
 * @property {string} [alarm_process]   `up` or `down`
 * @property {boolean} [ready]
 * @property {Sentence[]} [problems]
 * @property {{since: string, count: number}|null} [flood]  more alerts than can be looked at one by one
 *
 * @typedef {{code: string, title: Sentence}} Disposition
 *
 * @typedef {object} OnTest           devices whose calls are tests for a while
 * @property {string} id
 * @property {string} home
 * @property {string} home_name
 * @property {string} start
 * @property {string} end
 * @property {boolean} under_way
 * @property {{id: string, name: string, room: string}[]} devices  none: the whole home but what nothing mutes
 * @property {string} tester
 * @property {{origin: string, confirmed: boolean}[]} calls
 */
export {};

/** @typedef {{scale: string, grade: number, title: string, title_en: string, targets: string[], may_raise: string[], now: boolean}} Grade */
/**
 * What the family may see of a home.
 * @typedef {object} FamilyView
 * @property {string[]} shows  what every resident has consented to
 * @property {{resident: string, shows: string[], word: string, by: string, at: string}[]} consents
 * @property {{id: string, contact: string, contact_name: string, expires_at: string, by: string}[]} links
 */

/**
 * How a rule stands for a home.
 * @typedef {object} RuleStanding
 * @property {string} rule
 * @property {string|null} device
 * @property {{zh: string, en: string}} title
 * @property {"idle"|"pending"|"firing"|"learning"|"not_watched"} phase
 * @property {{zh: string, en: string}} sentence
 * @property {{zh: string, en: string}|null} clears
 * @property {string|null} last_fired_at
 */
/** @typedef {{home: string, at: string, version: string, items: RuleStanding[]}} Judged */
/**
 * A rule that holds, in words.
 * @typedef {object} RuleTold
 * @property {string} id
 * @property {string} category
 * @property {number} priority
 * @property {Sentence} title
 * @property {Sentence} words
 * @property {Sentence} sentence
 * @property {Sentence} clears
 * @property {Sentence} counts
 * @property {boolean} alerts
 * @property {string} policy
 * @property {Sentence} told
 * @property {boolean} may_be_silenced
 * @property {Sentence} silenced
 * @property {string} version
 * @property {string|null} since
 * @property {string} source
 */
/** @typedef {{rule: string, change: "added"|"removed"|"changed"|"moved", fields: {name: string, before: string, after: string}[]}} RulesChange */
/**
 * A version of the rules.
 * @typedef {object} RulesVersion
 * @property {string} version
 * @property {"draft"|"files"|"folder"} origin
 * @property {boolean} live
 * @property {number} rules
 * @property {string|null} at
 * @property {string} by
 * @property {string} note
 * @property {{at: string, by: string, reason: string, backtest: string, ruleset: string}[]} activations
 * @property {{kind: string, line: number, key: string, rule: string, message: string}[]} findings
 * @property {RulesChange[]} changes
 * @property {string} [text]
 * @property {string} [tests]
 */
