/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The console ring.  See console_ring.h.  Indexes run freely and are masked on use.
 */
#include "console_ring.h"

void console_input_put(struct console_input *input, char c)
{
    if (input->count < CONSOLE_INPUT_SIZE)
        input->text[(input->head + input->count++) % CONSOLE_INPUT_SIZE] = c;
}

uint32_t console_input_take(struct console_input *input, char *to, uint32_t size)
{
    uint32_t done = 0;
    while (done < size && input->count > 0) {
        to[done++] = input->text[input->head];
        input->head = (input->head + 1) % CONSOLE_INPUT_SIZE;
        input->count--;
    }
    return done;
}

static bool move_out(struct xencons_interface *ring, struct out *out)
{
    char text[128];
    uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
    uint32_t cons = __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
    if (prod == cons || prod - cons > sizeof(ring->out))
        return false;
    while (cons != prod) {
        uint32_t size = 0;
        while (cons != prod && size < sizeof(text))
            text[size++] = ring->out[MASK_XENCONS_IDX(cons++, ring->out)];
        out->put(out, text, size);
    }
    __atomic_store_n(&ring->out_cons, cons, __ATOMIC_RELEASE);
    return true;
}

static bool move_in(struct xencons_interface *ring, struct console_input *input)
{
    uint32_t prod = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
    uint32_t cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
    char c;
    bool moved = false;
    if (prod - cons > sizeof(ring->in))
        return false;
    while (prod - cons < sizeof(ring->in) && console_input_take(input, &c, 1) == 1) {
        ring->in[MASK_XENCONS_IDX(prod++, ring->in)] = c;
        moved = true;
    }
    if (moved)
        __atomic_store_n(&ring->in_prod, prod, __ATOMIC_RELEASE);
    return moved;
}

bool console_ring_move(struct xencons_interface *ring, struct console_input *input, struct out *out)
{
    bool printed = move_out(ring, out);
    bool typed = move_in(ring, input);
    return printed || typed;
}
