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
 * @property {"contacts"|"silent"|"battery"|"field_failures"} matter
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
 *
 * @typedef {{code: string, title: Sentence}} Disposition
 */
export {};
