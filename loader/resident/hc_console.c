/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * console_io, and where characters come from and go to.
 *
 * Input is looked for on the timer, at the serial ports of the stage's console.  A dom0 guest may
 * drive the same port itself (ttyS0): as soon as it has switched on the port's receive interrupt,
 * its input is left alone.  Source: public/xen.h console_io, Xen drivers/char/console.c.
 */
#include "hc_console.h"

#include "console_ring.h"
#include "event.h"
#include "spinlock.h"
#include "timer.h"
#include "voice.h"

#define POLL_NS      UINT64_C(10000000)
#define WRITE_CHUNK  128
#define UART_DATA    0
#define UART_IER     1
#define UART_LCR     3
#define UART_MCR     4
#define UART_LSR     5
#define IER_RECEIVE  1u
#define LCR_DLAB     0x80u
#define MCR_LOOPBACK 0x10u
#define LSR_READY    1u
#define UART_ABSENT  0xffu

static struct spinlock lock;
static struct console_input input;
static struct xencons_interface *ring; /* NULL: dom0, or no ring */

void console_io_init(void)
{
    uint64_t mfn = layer.handover->console_mfn;
    bool has_uart = false;
    if (!layer.dom0 && mfn != 0)
        ring = frame_keep(mfn);
    for (uint32_t i = 0; i < 4; i++)
        has_uart = has_uart || layer.handover->uart[i] != 0;
    if (has_uart || ring != NULL)
        timer_start_service(POLL_NS);
}

static bool is_the_guests(uint16_t port)
{
    uint8_t lcr = port_read8((uint16_t)(port + UART_LCR));
    return lcr == UART_ABSENT || lcr & LCR_DLAB ||
           port_read8((uint16_t)(port + UART_MCR)) & MCR_LOOPBACK ||
           port_read8((uint16_t)(port + UART_IER)) & IER_RECEIVE;
}

/* True when something was typed. */
static bool take_input(void)
{
    bool any = false;
    for (uint32_t i = 0; i < 4; i++) {
        uint16_t port = layer.handover->uart[i];
        if (port == 0 || (layer.dom0 && is_the_guests(port)))
            continue;
        for (uint32_t n = 0; n < CONSOLE_INPUT_SIZE; n++) {
            uint8_t status = port_read8((uint16_t)(port + UART_LSR));
            if (status == UART_ABSENT || !(status & LSR_READY))
                break;
            console_input_put(&input, (char)port_read8((uint16_t)(port + UART_DATA)));
            any = true;
        }
    }
    return any;
}

void console_ring_serve(struct vcpu *v)
{
    if (ring == NULL)
        return;
    spin_lock(&lock);
    struct voice voice = voice_take();
    bool moved = console_ring_move(ring, &input, layer_out);
    voice_give(voice);
    spin_unlock(&lock);
    if (moved)
        event_set_pending(v, HANDOVER_PORT_CONSOLE);
}

void console_poll(struct vcpu *v)
{
    spin_lock(&lock);
    bool any = take_input();
    spin_unlock(&lock);
    console_ring_serve(v);
    if (any && ring == NULL)
        event_raise_virq(v, VIRQ_CONSOLE);
}

static long console_write(struct vcpu *v, uint64_t count, uint64_t from)
{
    char text[WRITE_CHUNK];
    while (count > 0) {
        uint64_t size = count < sizeof(text) ? count : sizeof(text);
        if (!guest_read(v, text, from, size))
            return -XEN_EFAULT;
        struct voice voice = voice_take();
        layer_out->put(layer_out, text, size);
        voice_give(voice);
        from += size;
        count -= size;
    }
    return 0;
}

static long console_read(struct vcpu *v, uint64_t count, uint64_t to)
{
    char text[WRITE_CHUNK];
    uint64_t done = 0;
    while (done < count) {
        uint32_t want = count - done < sizeof(text) ? (uint32_t)(count - done) : sizeof(text);
        spin_lock(&lock);
        uint32_t size = console_input_take(&input, text, want);
        spin_unlock(&lock);
        if (size == 0)
            break;
        if (!guest_write(v, to + done, text, size))
            return -XEN_EFAULT;
        done += size;
    }
    return (long)done;
}

/* Xen lets only dom0 in, and in its debug builds lets a domU write: so does the layer, for what a
 * kernel without a ring, or one that crashes, has to say.  Linux's early console of a domU writes
 * here and to the ring, where it marks its lines "(early) ": they come twice, as there. */
long hc_console_io(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t count = args->arg[1] & 0xffffffffu;
    if (count > INT32_MAX)
        return -XEN_EINVAL;
    switch ((uint32_t)args->arg[0]) {
    case CONSOLEIO_write:
        return console_write(v, count, args->arg[2]);
    case CONSOLEIO_read:
        return layer.dom0 ? console_read(v, count, args->arg[2]) : -XEN_EPERM;
    default:
        return -XEN_ENOSYS;
    }
}
