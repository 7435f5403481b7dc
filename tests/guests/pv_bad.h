/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Running a few bytes of code by an iret hypercall until they trap; pv_bad.c.
 */
#ifndef TESTS_GUESTS_PV_BAD_H
#define TESTS_GUESTS_PV_BAD_H

/* What a stub below pushes, then the hypervisor's frame. */
struct bad_frame {
    unsigned long vector, error, ip, cs, flags, sp, ss;
};

struct bad_iret {
    unsigned long ip, cs, flags, sp, ss;
};

/* Goes there and comes back through the trap that ends it: 1, 3, 6 or 10 to 14. */
void bad_return(const struct bad_iret *to);
/* That trap. */
const struct bad_frame *bad_last(void);

#endif
