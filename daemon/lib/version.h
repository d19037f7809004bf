/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TCONN_VERSION_H
#define TCONN_VERSION_H

#define TCONN_VERSION "0.1.0"	/* of the programs; messages have their own, in HELLO */

#endif
