/**
 * Every word of the page, Chinese first, English complete. Data (names, addresses, notes) is shown as the registry has it; sentences of
 * the service come in both languages and are chosen here.
 */

import { recall, remember } from "./prefs.js";

/** @typedef {"zh"|"en"} Language */

/** @type {Language} */
let current = recall("language", "zh") === "en" ? "en" : "zh";

export const language = () => current;

/** Chinese until somebody chose otherwise, whatever the browser speaks. @param {Language} to */
export function speak(to) {
  current = to;
  remember("language", to);
  markLanguage();
}

/** Tells readers aloud and spelling which language stands here. */
export function markLanguage() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}

/**
 * @param {string} key @param {Record<string, string|number>} [values] put in where the text says `{name}`
 * @returns {string} the key itself where a word is missing, so that it is seen
 */
export function t(key, values) {
  const words = WORDS[key];
  if (!words) return key;
  const text = words[current === "zh" ? 0 : 1];
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/** @param {string} prefix @param {string|null|undefined} code a code of the service; unknown ones are shown as they are */
export function word(prefix, code) {
  if (!code) return "";
  const key = `${prefix}.${code}`;
  return key in WORDS ? t(key) : code;
}

/**
 * What the service says in a pair of fields: `title` in Chinese and `title_en`.
 * @template {string} N @param {Record<N, string> & Record<string, any>} record @param {N} name
 */
export const said = (record, name) => (current === "en" && record[`${name}_en`]) || record[name] || "";

/** @param {unknown} said a sentence in both languages, or plain text */
export function sentence(said) {
  if (typeof said === "string") return said;
  if (said && typeof said === "object") {
    const both = /** @type {Record<string, string>} */ (said);
    return both[current] || both.zh || both.en || "";
  }
  return "";
}

/** @type {Record<string, [zh: string, en: string]>} */
const WORDS = {
  "desk": ["安居值守台", "Anju desk"],
  "brand": ["安居", "Anju"],

  // --- log-in
  "login.starting": ["正在连接服务…", "Reaching the service…"],
  "login.title": ["登录值守台", "Log in to the desk"],
  "login.lead": ["独居老人的求助，从这里有人接。", "Where a call for help is answered."],
  "login.username": ["用户名", "User name"],
  "login.password": ["密码", "Password"],
  "login.do": ["登录", "Log in"],
  "login.wrong": ["用户名或密码不对。", "User name or password is wrong."],
  "login.demo": ["演示环境", "Demonstration"],
  "login.demo_more": ["住户、电话和求助都是虚构的。", "Homes, phones and calls are invented."],
  "login.demo_do": ["用演示账号登录", "Log in with the demo account"],
  "login.ended": ["登录已过期，请重新登录。", "Your session has ended. Please log in again."],
  "logout": ["退出", "Log out"],

  // --- priorities and categories
  "priority.1": ["危急", "Life"],
  "priority.2": ["紧急", "Prompt"],
  "priority.3": ["注意", "Aware"],
  "priority.4": ["技术", "Tech"],
  "category.call_for_help": ["呼救", "Call for help"],
  "category.fire": ["火情", "Fire"],
  "category.gas": ["燃气", "Gas"],
  "category.fall": ["跌倒", "Fall"],
  "category.health": ["体征", "Health"],
  "category.inactivity": ["久无活动", "Inactivity"],
  "category.wandering": ["走失", "Wandering"],
  "category.water": ["漏水", "Water"],
  "category.intrusion": ["闯入", "Intrusion"],
  "category.technical": ["设备", "Technical"],

  // --- states
  "state.waiting": ["待接", "Waiting"],
  "state.mine": ["我在处理", "Yours"],
  "state.claimed": ["{name} 已接手", "{name} has it"],
  "state.acknowledged": ["{name} 已确认", "{name} acknowledged"],
  "state.acknowledged_mine": ["我已确认", "You acknowledged"],
  "state.closed": ["已办结", "Closed"],
  "state.held": ["暂缓至 {at}", "Held until {at}"],
  "state.cancelled": ["本人已取消", "Caller took it back"],
  "state.cleared": ["现场已恢复", "Condition cleared"],
  "state.repeats": ["又报 {n} 次", "{n} more"],
  "state.unstored": ["未写入磁盘", "Not on disk"],
  "state.silenced": ["已静默", "Silenced"],
  "state.transferred": ["转给 {name}", "For {name}"],
  "state.test": ["测试", "Test"],
  "step.next": ["升级 {in}", "Next step {in}"],
  "step.now": ["正在升级", "Stepping up now"],
  "span.days": ["{days}天 {hours}时", "{days}d {hours}h"],

  // --- the queue
  "queue.title": ["等待处理", "Open alerts"],
  "queue.next": ["接下一个", "Take the next"],
  "queue.next_none": ["没有待接的求助", "Nothing is waiting to be taken"],
  "queue.next_others": ["所有求助都有人在处理", "Every alert is in somebody's hands"],
  "queue.empty": ["没有等待处理的求助", "No one is waiting for help"],
  "queue.empty_more": ["新的求助会立刻响铃并出现在这里。", "A new call rings and appears here at once."],
  "queue.loading": ["正在读取求助列表…", "Loading the queue…"],
  "queue.held_back": ["{n} 条新的，列表静止后排入", "{n} new, placed when the list is at rest"],
  "queue.more": ["还有 {n} 条，处理后依次显示", "{n} more follow as these are handled"],
  "queue.area_wide": ["整个片区", "Whole area"],
  "announce.new": ["新求助：{priority}，{category}，{who}，{where}", "New alert: {priority}, {category}, {who}, {where}"],
  "announce.done": ["{action}：已记录", "{action}: recorded"],

  // --- the card
  "card.none": ["选择一条求助查看住户资料", "Choose an alert to see the home"],
  "card.none_key": ["按 空格 接下一个", "Press Space to take the next"],
  "card.back": ["返回列表", "Back to the queue"],
  "card.where": ["住址", "Where"],
  "card.why": ["原因", "Why"],
  "card.evidence": ["依据", "Evidence"],
  "card.call": ["联系", "Whom to ring"],
  "card.home_phone": ["家中电话", "Home phone"],
  "card.access": ["进门", "Access"],
  "card.medical": ["病史", "Medical"],
  "card.speech": ["沟通", "Speech"],
  "card.note": ["备注", "Note"],
  "card.age": ["{n} 岁", "aged {n}"],
  "card.related": ["同一住户的其他求助", "Other open alerts of this home"],
  "card.devices": ["家中设备", "Devices of the home"],
  "card.timeline": ["处理经过", "Timeline"],
  "card.readings": ["报警前一小时", "The hour before"],
  "card.readings_now": ["最近一小时", "The last hour"],
  "card.no_contacts": ["没有登记联系人", "No contacts are registered"],
  "card.no_phone": ["未登记电话", "no phone registered"],
  "card.no_home": ["这是片区级求助，没有单独的住户。", "This alert concerns an area; there is no single home."],
  "card.home_failed": ["住户资料读不出来：{why}", "The home's record could not be read: {why}"],
  "card.loading": ["正在读取…", "Loading…"],
  "card.responders": ["响应人", "Helpers"],
  "card.times": ["{n} 次", "{n} ×"],
  "card.clock_suspect": ["设备时钟不准", "device clock suspect"],
  "card.retry": ["重试", "Try again"],

  "role.resident": ["老人", "Resident"],
  "role.family": ["家属", "Family"],
  "role.neighbour": ["邻居", "Neighbour"],
  "role.grid_worker": ["网格员", "Grid worker"],
  "role.contact": ["联系人", "Contact"],
  "role.doctor": ["医生", "Doctor"],
  "role.other": ["其他", "Other"],

  "account.operator": ["值守员", "operator"],
  "account.installer": ["安装员", "installer"],
  "account.lead": ["班长", "lead"],
  "account.supervisor": ["主管", "supervisor"],
  "account.admin": ["管理员", "administrator"],

  "device.online": ["在线", "Online"],
  "device.offline": ["离线", "Offline"],
  "device.unregistered": ["未登记", "Unregistered"],
  "device.heard": ["{at} 听到", "heard {at}"],
  "device.battery": ["电量 {n}%", "Battery {n}%"],

  // --- readings
  "readings.pick": ["选择指标", "Choose a reading"],
  "readings.none": ["{name}：这一小时没有读数。", "{name}: no readings in this hour."],
  "readings.few": ["读数太少，画不成曲线", "too few for a curve"],
  "readings.since": ["这一小时的读数从 {at} 开始，此前没有记录。", "The readings of this hour begin at {at}; nothing is recorded before."],
  "readings.mute": ["没有读数：{names}", "No readings: {names}"],
  "readings.more": ["更多 {n}", "{n} more"],
  "readings.less": ["收起", "Fewer"],
  "readings.failed": ["读数读不出来：{why}", "Readings could not be read: {why}"],
  "readings.summary": ["{name}：最低 {min}，最高 {max}，报警时 {last}{unit}", "{name}: lowest {min}, highest {max}, at the alarm {last}{unit}"],
  "readings.summary_now": ["{name}：最低 {min}，最高 {max}，现在 {last}{unit}", "{name}: lowest {min}, highest {max}, now {last}{unit}"],
  "moved.last": ["最后一次活动 {at}，{place}，{ago}", "Last movement {at}, {place}, {ago}"],
  "moved.ongoing": ["{at} 起一直有活动，{place}", "Movement since {at}, {place}"],
  "moved.earlier": ["这一小时没有活动；之前最后一次约在 {at}，{place}", "No movement in this hour; the last before it about {at}, {place}"],
  "moved.none": ["没有活动记录", "No movement is recorded"],
  "moved.blind": ["这户没有活动传感器和门磁", "This home has no movement or door sensor"],
  "moved.after": ["报警后 {at} 又有活动，{place}", "Moved again since the alarm: {at}, {place}"],
  "moved.by": [" · {what}", " · {what}"],
  "moved.before": ["报警前{span}", "{span} before the alarm"],
  "moved.ago": ["{span}前", "{span} ago"],
  "moved.minutes": [" {n} 分钟", "{n} min"],
  "moved.less": ["不到 1 分钟", "under 1 min"],
  "lane.occupancy": ["活动", "movement"],
  "lane.contact_open": ["门", "door"],
  "lane.bed_occupied": ["床", "bed"],
  "lane.vibration": ["振动", "vibration"],
  "lane.steps": ["走动", "steps"],
  "lane.smoke": ["烟雾", "smoke"],
  "lane.water_leak": ["漏水", "water"],
  "lane.gas_alarm": ["燃气", "gas"],
  "lane.co_alarm": ["一氧化碳", "CO"],

  "property.sos": ["求助按钮", "SOS button"],
  "property.pull_cord": ["拉绳", "Pull cord"],
  "property.smoke": ["烟雾", "Smoke"],
  "property.heat_alarm": ["高温报警", "Heat alarm"],
  "property.co_alarm": ["一氧化碳报警", "CO alarm"],
  "property.gas_alarm": ["燃气报警", "Gas alarm"],
  "property.water_leak": ["漏水", "Water leak"],
  "property.fall": ["跌倒", "Fall"],
  "property.occupancy": ["有人活动", "Movement"],
  "property.contact_open": ["门打开", "Door open"],
  "property.bed_occupied": ["在床", "In bed"],
  "property.tamper": ["防拆", "Tamper"],
  "property.mains_lost": ["断电", "Mains lost"],
  "property.battery_low": ["电量低", "Battery low"],
  "property.fault": ["故障", "Fault"],
  "property.test": ["自检", "Test"],
  "property.cancel": ["取消", "Cancel"],
  "property.checked_in": ["报平安", "Checked in"],
  "property.medication_taken": ["已服药", "Medication taken"],
  "property.vibration": ["振动", "Vibration"],
  "property.heart_rate": ["心率", "Heart rate"],
  "property.spo2": ["血氧", "SpO₂"],
  "property.respiration_rate": ["呼吸", "Respiration"],
  "property.body_temperature": ["体温", "Body temperature"],
  "property.systolic": ["收缩压", "Systolic"],
  "property.diastolic": ["舒张压", "Diastolic"],
  "property.steps": ["步数", "Steps"],
  "property.latitude": ["纬度", "Latitude"],
  "property.longitude": ["经度", "Longitude"],
  "property.temperature": ["室温", "Temperature"],
  "property.humidity": ["湿度", "Humidity"],
  "property.co": ["一氧化碳", "Carbon monoxide"],
  "property.gas": ["燃气浓度", "Gas"],
  "property.smoke_density": ["烟雾浓度", "Smoke density"],
  "property.water_used": ["用水", "Water used"],
  "property.energy_used": ["用电", "Energy used"],
  "property.illuminance": ["照度", "Illuminance"],
  "property.battery": ["电量", "Battery"],
  "property.link_quality": ["信号质量", "Link quality"],
  "property.rssi": ["信号强度", "Signal"],
  "property.speed": ["速度", "Speed"],
  "value.false": ["否", "no"],

  "room.bedroom": ["卧室", "Bedroom"],
  "room.bathroom": ["卫生间", "Bathroom"],
  "room.kitchen": ["厨房", "Kitchen"],
  "room.living_room": ["客厅", "Living room"],
  "room.hall": ["门厅", "Hall"],
  "room.hallway": ["走廊", "Hallway"],
  "room.balcony": ["阳台", "Balcony"],

  // --- actions and their forms
  "action.claim": ["接手", "Take"],
  "action.claim_over": ["接管", "Take over"],
  "action.acknowledge": ["确认", "Acknowledge"],
  "action.note": ["记事", "Note"],
  "action.hold": ["暂缓", "Hold"],
  "action.escalate": ["升级", "Escalate"],
  "action.transfer": ["转交", "Transfer"],
  "action.respond": ["响应", "Helper"],
  "action.underway": ["提交中…", "sending…"],
  "action.close": ["办结", "Close"],
  "form.note": ["记一笔", "Add a note"],
  "form.note_text": ["内容", "Text"],
  "form.hold": ["暂缓多久", "Hold for how long"],
  "form.minutes": ["分钟", "minutes"],
  "form.reason": ["原因", "Reason"],
  "form.escalate": ["现在就升级到下一步", "Go to the next step now"],
  "form.transfer": ["转交给谁", "Transfer to whom"],
  "form.transfer_to": ["值守员的用户名", "Operator's user name"],
  "form.transfer_pick": ["值守人员", "Colleague"],
  "form.respond": ["谁在帮忙", "Who is helping"],
  "form.responder": ["响应人", "Helper"],
  "form.stage": ["进展", "How far"],
  "form.close": ["办结求助", "Close the alert"],
  "form.disposition": ["处理结果", "How did it end"],
  "form.close_reason": ["说明", "In a few words"],
  "form.pick_disposition": ["请选择处理结果。", "Please choose how it ended."],
  "form.missing": ["请填写“{field}”。", "Please fill in “{field}”."],
  "form.send": ["确定", "Confirm"],
  "form.cancel": ["取消", "Cancel"],
  "form.hint": ["数字键选择，Ctrl + 回车 确定，Esc 取消", "Digits choose, Ctrl + Enter confirms, Esc cancels"],
  "stage.accepted": ["答应去", "Accepted"],
  "stage.on_the_way": ["在路上", "On the way"],
  "stage.arrived": ["已到场", "Arrived"],
  "stage.done": ["已处理", "Done"],
  "stage.declined": ["去不了", "Cannot go"],
  "disposition.real_emergency": ["真实险情", "Real emergency"],
  "disposition.assistance_given": ["已提供帮助", "Assistance given"],
  "disposition.false_cooking": ["误报：做饭油烟", "False: cooking"],
  "disposition.false_device": ["误报：设备原因", "False: device"],
  "disposition.false_person": ["误报：误碰误按", "False: pressed by mistake"],
  "disposition.test": ["测试", "Test"],

  // --- refusals
  "refusal.unreachable": ["服务没有回答，操作可能没有生效。请看处理经过后再试。", "The service did not answer; it may not have been done. Look at the timeline, then try again."],
  "refusal.status": ["服务拒绝了（{status}）。", "The service refused ({status})."],
  "refusal.unsure": ["没有回答", "No answer"],
  "refusal.unsure_more": ["“{action}”可能已经生效，也可能没有。恢复后这里会显示结果，也可以再按一次。", "“{action}” may or may not have been done. It will show here once the service is back; you may also press again."],
  "refusal.title": ["没有执行", "Not done"],
  "refusal.close": ["知道了", "Dismiss"],
  "refusal.stale": ["连接中断，暂时不能操作。", "The connection is down; nothing can be done from here now."],
  "refusal.not_now": ["这条求助现在不能“{action}”。", "“{action}” is not possible for this alert now."],
  "refusal.nothing_waiting": ["没有待接的求助。", "Nothing is waiting to be taken."],

  // --- the timeline
  "event.raised": ["报警", "Raised"],
  "event.repeated": ["再次报警", "Reported again"],
  "event.cleared": ["现场已恢复", "Condition cleared"],
  "event.cancelled": ["本人取消求助，仍需核实", "The caller took it back; somebody still has to make sure"],
  "event.recurred": ["恢复后再次出现", "Came back"],
  "event.claimed": ["接手", "Taken"],
  "event.claim_lapsed": ["接手后未确认，退回列表", "Taken but not acknowledged: back in the queue"],
  "event.acknowledged": ["确认", "Acknowledged"],
  "event.acknowledgement_lapsed": ["确认后久未办结，重新响铃", "Acknowledged and forgotten: rings again"],
  "event.noted": ["记事", "Note"],
  "event.held": ["暂缓", "Held"],
  "event.hold_ended": ["暂缓结束", "Hold ended"],
  "event.escalated": ["人工升级", "Escalated by hand"],
  "event.step_reached": ["升级到第 {step} 步", "Step {step} reached"],
  "event.transferred": ["转交", "Transferred"],
  "event.help_reported": ["响应", "Helper"],
  "event.closed": ["办结", "Closed"],
  "event.notification_requested": ["发出通知", "Notifying"],
  "event.notification_skipped": ["未通知", "Not notified"],
  "event.notification_ended": ["通知结果", "Notification"],
  "target.desk": ["值守台", "the desk"],
  "target.shift_lead": ["值班长", "shift lead"],
  "target.supervisor": ["主管", "supervisor"],
  "event.delivered": ["已送达", "delivered"],
  "event.undelivered": ["未送达", "not delivered"],
  "event.until": ["至 {at}", "until {at}"],
  "event.over_from": ["从 {name} 手中接手", "taken over from {name}"],

  // --- homes without an alert, and the day's list
  "find.title": ["查找住户", "Find a home"],
  "find.field": ["姓名、楼栋、电话号码", "Name, building, telephone number"],
  "find.hint": ["↑ ↓ 选择，回车 打开，Esc 关闭。查看住户资料会留下记录。", "↑ ↓ choose, Enter opens, Esc closes. Every look at a record is noted down."],
  "find.none": ["没有找到“{words}”。", "Nothing found for “{words}”."],
  "find.more": ["还有更多，请输入得更具体。", "There are more; please be more precise."],
  "home.reading": ["查看住户（没有求助）", "A home, without an alert"],
  "home.open_alerts": ["这户有 {n} 条未办结的求助", "{n} open alerts in this home"],
  "home.close": ["关闭", "Close"],
  "today.title": ["今天要处理的住户", "To be seen to today"],
  "today.none": ["今天没有需要处理的住户。", "No home needs seeing to today."],
  "today.made": ["{day} 的检查", "checked on {day}"],
  "today.more": ["还有更多。", "There are more."],
  "matter.silent": ["失联", "Silent"],
  "matter.battery": ["电量", "Battery"],
  "matter.field_failures": ["型号故障", "Model failing"],
  "matter.contacts": ["联系人", "Contacts"],

  // --- bars and banners
  "bar.counts": ["未关闭的求助", "Open alerts"],
  "bar.sound_on": ["声音已开", "Sound on"],
  "bar.sound_off": ["声音已关", "Sound off"],
  "bar.sound_locked": ["声音未开启 · 点这里", "Sound is off · click here"],
  "bar.sound_paused": ["静音 {in}", "Muted {in}"],
  "bar.theme": ["切换明暗", "Light or dark"],
  "bar.language": ["English", "中文"],
  "bar.live": ["实时", "Live"],
  "bar.reconnecting": ["重连中", "Reconnecting"],
  "bar.lost": ["中断", "Lost"],
  "bar.heard": ["{n} 秒前", "{n} s ago"],
  "bar.seq": ["序号 {seq}", "No. {seq}"],
  "banner.lost": ["连接中断，画面停在 {at}，已 {s} 秒", "Connection lost. This page stands at {at}, {s} s ago"],
  "banner.lost_more": ["内容可读，暂不能操作；正在自动重连。紧急时请直接打电话。", "You can read, not act; it reconnects by itself. In an emergency use the phone."],
  "banner.alarm_down": ["报警处理程序没有响应", "The alarm process does not answer"],
  "banner.alarm_down_more": ["新的求助暂时到不了这里，正在自动恢复。", "New calls cannot arrive here for the moment; it restarts by itself."],
  "banner.not_ready": ["服务有问题", "The service has a problem"],
  "banner.sound": ["点击页面或按任意键开启报警声", "Click or press any key to switch the alarm sound on"],

  // --- keys
  "keys.title": ["按键", "Keys"],
  "keys.space": ["空格", "Space"],
  "keys.enter": ["回车", "Enter"],
  "keys.take_next": ["接下一个最急的求助", "Take the most urgent one waiting"],
  "keys.take_this": ["接手选中的这一条", "Take the chosen one"],
  "keys.move": ["下一条、上一条", "Next, previous"],
  "keys.acknowledge": ["确认：我在处理", "Acknowledge: I am on it"],
  "keys.note": ["记事", "Note"],
  "keys.hold": ["暂缓", "Hold"],
  "keys.escalate": ["升级", "Escalate"],
  "keys.transfer": ["转交", "Transfer"],
  "keys.respond": ["记录谁在帮忙", "Record who is helping"],
  "keys.close": ["办结，需选处理结果", "Close, with how it ended"],
  "keys.language": ["中文 / English", "中文 / English"],
  "keys.mute": ["静音 2 分钟（新报警照响）", "Mute for 2 minutes (new alarms still ring)"],
  "keys.find": ["查找住户：姓名、地址、电话", "Find a home: name, address, phone"],
  "keys.help": ["显示这张表", "Show this table"],
  "keys.escape": ["返回、关闭窗口", "Back, close a window"],
  "keys.bar_take": ["接下一个", "take next"],
  "keys.bar_move": ["移动", "move"],
  "keys.bar_ack": ["确认", "acknowledge"],
  "keys.bar_close": ["办结", "close"],
  "keys.bar_find": ["查找住户", "find a home"],
  "keys.bar_all": ["全部按键", "all keys"],
};
