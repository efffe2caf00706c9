// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A test of what only Linux has, such as page tables, terminals and its pipe lock: takes one {@link Rig} and runs on
 * the kernel of this machine. The catalogue says of each such statement that another kernel need not follow it.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@MethodSource("io.sluice.conformance.Rig#onLinux")
@interface OnLinux {}
