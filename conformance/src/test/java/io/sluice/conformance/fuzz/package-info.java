// SPDX-License-Identifier: Apache-2.0
@NullMarked
package io.sluice.conformance.fuzz;

import org.jspecify.annotations.NullMarked;
