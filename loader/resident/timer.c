/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clock and timers at run time.  See timer.h; arithmetic in timescale.c, measuring in calibrate.c.
 */
#include "timer.h"

#include "calibrate.h"
#include "event.h"
#include "hc_console.h"
#include "lapic.h"
#include "pit.h"
#include "rtc.h"
#include "timescale.h"
#include "watchdog.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* struct vcpu_info: time is the last member, at the same offset for both widths. */
#define INFO_TIME 32
/* shared_info of 32-bit guests: wc_version, wc_sec, wc_nsec; wc_sec_hi in arch (xen-x86_32.h). */
#define SHARED_WC_32    2304
#define SHARED_WC_HI_32 2340

_Static_assert(offsetof(struct vcpu_info, time) == INFO_TIME, "vcpu_info.time");
_Static_assert(sizeof(struct vcpu_time_info) == 32, "vcpu_time_info");

static uint64_t tsc_base; /* TSC at system time 0 */
static struct calibration clock_rate;
static struct timescale scale;
static bool tsc_is_stable;
static uint64_t service_period;

uint64_t time_ns(void)
{
    return timescale_ns(scale, cpu_tsc() - tsc_base);
}

/* ---- the pages that guests read ----------------------------------------------------------- */

/* 64-bit guests may reckon from the start for ever.  32-bit ones can have room for four seconds of
 * nanoseconds since the last stamp (Mini-OS's get_nsec_offset): Xen renews it every second. */
static void fill(struct vcpu_time_info *info, uint32_t version)
{
    uint64_t ticks = layer.compat ? cpu_tsc() - tsc_base : 0;
    *info = (struct vcpu_time_info){
        .version = version,
        .tsc_timestamp = tsc_base + ticks,
        .system_time = timescale_ns(scale, ticks),
        .tsc_to_system_mul = scale.mul,
        .tsc_shift = scale.shift,
        .flags = tsc_is_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
    };
}

void time_publish(struct vcpu *v)
{
    spin_lock(&v->clock.lock); /* one writer at a time, or the version would lie */
    volatile struct vcpu_time_info *live = (volatile struct vcpu_time_info *)(v->info + INFO_TIME);
    struct vcpu_time_info info;
    uint32_t version = (live->version | 1) + 1; /* even, and new */
    fill(&info, version);
    /* Readers on other CPUs retry while the version is odd. */
    live->version = version - 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    live->tsc_timestamp = info.tsc_timestamp;
    live->system_time = info.system_time;
    live->tsc_to_system_mul = info.tsc_to_system_mul;
    live->tsc_shift = info.tsc_shift;
    live->flags = info.flags;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    live->version = version;
    uint64_t area = v->clock.time_area;
    spin_unlock(&v->clock.lock);
    /* The area is the guest's to map; when it is not there, Xen does not mind either. */
    if (area != 0 && !guest_write(v, area, &info, sizeof(info)))
        say(SAY_DEBUG, "vCPU %u: time area 0x%llx is not writable", v->id,
            (unsigned long long)area);
}

void time_set_wall_clock(uint64_t seconds, uint32_t ns, uint64_t system_time)
{
    /* Time at system time 0, without a 64-bit division: up to 136 years of uptime. */
    uint32_t up_ns;
    uint64_t up = divide_u64_u32(system_time, (uint32_t)NS_PER_SECOND, &up_ns);
    uint32_t nsec = ns;
    if (nsec < up_ns) {
        nsec += (uint32_t)NS_PER_SECOND;
        seconds--;
    }
    nsec -= up_ns;
    seconds -= up;

    uint8_t *shared = (uint8_t *)layer.shared;
    uint8_t *wc = shared + (layer.compat ? SHARED_WC_32 : offsetof(struct shared_info, wc_version));
    uint8_t *high = layer.compat ? shared + SHARED_WC_HI_32 : wc + 12;
    volatile uint32_t *word = (volatile uint32_t *)wc;
    uint32_t version = (word[0] | 1) + 1;
    word[0] = version - 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    word[1] = (uint32_t)seconds;
    word[2] = nsec;
    *(volatile uint32_t *)high = (uint32_t)(seconds >> 32);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    word[0] = version;
}

/* ---- timers ------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a | b;
    return a < b ? a : b;
}

static void arm(const struct vcpu_clock *c, uint64_t periodic, uint64_t service, uint64_t now)
{
    uint64_t next =
        earlier(earlier(earlier(c->singleshot, periodic), c->stamp), earlier(c->poll, service));
    uint64_t ns = next == 0 ? 0 : next > now ? next - now : 1;
    if (lapic_present())
        lapic_timer_arm(ns == 0 ? 0 : timescale_ticks(clock_rate.lapic_hz, ns));
    else
        pit_timer_arm(ns);
}

/* What vCPU 0 does for the whole guest: console input, its watchdogs.  When it is to be again. */
static uint64_t serve(struct vcpu *v, uint64_t now)
{
    uint64_t next = 0;
    if (service_period != 0) {
        next = now + service_period;
        console_poll(v);
    }
    spin_lock(&v->clock.lock);
    next = earlier(next, watchdog_next());
    v->clock.service = next;
    spin_unlock(&v->clock.lock);
    if (next != 0 && next <= now)
        watchdog_end();
    return next;
}

void timer_run(struct vcpu *v)
{
    struct vcpu_clock *c = &v->clock;
    uint64_t now = time_ns();
    bool tick = false;
    if (c->singleshot != 0 && c->singleshot <= now) {
        c->singleshot = 0;
        tick = true;
    }
    spin_lock(&c->lock);
    if (c->periodic != 0 && c->periodic <= now) {
        /* Ticks that were missed are not made up for. */
        c->periodic += c->period;
        if (c->periodic <= now)
            c->periodic = now + c->period;
        tick = true;
    }
    /* Who changes these from now on tells us to look again. */
    uint64_t periodic = c->periodic, service = c->service;
    spin_unlock(&c->lock);
    if (tick)
        event_raise_virq(v, VIRQ_TIMER);
    if (c->poll != 0 && c->poll <= now) {
        c->poll = 0;
        event_poll_stop(v);
    }
    if (service != 0 && service <= now)
        service = serve(v, now);
    if (layer.compat && c->stamp <= now) {
        c->stamp = now + NS_PER_SECOND;
        time_publish(v);
    }
    arm(c, periodic, service, time_ns());
}

void timer_update(struct vcpu *v)
{
    if (v == cpu_vcpu()) {
        timer_run(v);
        return;
    }
    __atomic_store_n(&v->clock.changed, true, __ATOMIC_SEQ_CST);
    event_kick(v);
}

void timer_set_periodic(struct vcpu *v, uint64_t ns)
{
    spin_lock(&v->clock.lock);
    v->clock.period = ns;
    v->clock.periodic = ns == 0 ? 0 : time_ns() + ns;
    spin_unlock(&v->clock.lock);
    timer_update(v);
}

void timer_serve_by(uint64_t at)
{
    struct vcpu *v = layer.vcpu[0];
    spin_lock(&v->clock.lock);
    v->clock.service = earlier(v->clock.service, at);
    spin_unlock(&v->clock.lock);
    timer_update(v);
}

void timer_start_service(uint64_t ns)
{
    service_period = ns;
    timer_serve_by(time_ns() + ns);
}

static void timer_interrupt(struct vcpu *v, uint8_t vector, void *context)
{
    (void)vector;
    (void)context;
    if (lapic_present())
        lapic_eoi();
    else
        pit_timer_eoi();
    timer_run(v);
}

/* Another CPU changed something for us: timers, events, work flags. */
static void kick_interrupt(struct vcpu *v, uint8_t vector, void *context)
{
    (void)vector;
    (void)context;
    lapic_eoi();
    if (__atomic_exchange_n(&v->clock.changed, false, __ATOMIC_SEQ_CST))
        timer_run(v);
}

/* ---- start -------------------------------------------------------------------------------- */

void time_init(void)
{
    const struct handover *h = layer.handover;
    uint32_t id[4];
    calibrate(&clock_rate);
    scale = timescale_from_hz(clock_rate.tsc_hz);
    tsc_base = cpu_tsc();
    layer.tsc_khz = (uint32_t)divide_u64_u32(clock_rate.tsc_hz, 1000, NULL);
    cpu_cpuid(0x80000000, 0, id);
    if (id[0] >= 0x80000007) {
        cpu_cpuid(0x80000007, 0, id);
        tsc_is_stable = id[3] & (1u << 8);
    }
    uint64_t wall = h->wall_clock;
    if (wall != 0 && h->tsc_at_entry != 0 && tsc_base > h->tsc_at_entry)
        wall += divide_u64_u32(timescale_ns(scale, tsc_base - h->tsc_at_entry),
                               (uint32_t)NS_PER_SECOND, NULL);
    if (wall == 0)
        wall = rtc_read();
    time_set_wall_clock(wall, 0, 0);
    say(SAY_INFO, "clock: TSC %u kHz by %s%s%s", layer.tsc_khz, clock_rate.by,
        tsc_is_stable ? ", invariant" : "", lapic_present() ? "" : ", timer by PIT");
    irq_set_handler(VECTOR_TIMER, timer_interrupt, NULL);
    irq_set_handler(VECTOR_IPI, kick_interrupt, NULL);
    if (!lapic_present())
        pit_timer_init(timer_interrupt);
}

void time_init_cpu(struct vcpu *v)
{
    /* As Xen starts PV vCPUs: a tick of 100 Hz until the guest says otherwise. */
    v->clock.period = 10 * 1000 * 1000;
    v->clock.periodic = time_ns() + v->clock.period;
    time_publish(v);
    timer_run(v);
}
