// Derivatives of a frozen rule's value against differences, for tests of rules of one factor and of nested ones.
#ifndef GLIMMER_TESTS_RULE_DERIVATIVES_H
#define GLIMMER_TESTS_RULE_DERIVATIVES_H

#include <glimmer/row_model.h>

#include <string>

#include "check.h"
#include "differences.h"

namespace rule_derivatives {

/// Gradient, Hessian and scores of a rule that is placed, at parameters; h: the step of the differences.
inline void check_all(glimmer::RowModel& model, const glimmer::Vector& at, double h, const std::string& name) {
  using glimmer::Matrix, glimmer::Vector;
  const glimmer::FrozenEvaluation found = model.rule().pass(at, 2);
  check::that(found.status == glimmer::Status::ok, name + ": status");
  check::close(model.rule().pass(at, 0).value, found.value, 1e-14, name + ": value with and without");
  const Vector alone = model.rule().pass(at, 1).gradient;
  const double scale = std::max(1.0, found.gradient.cwiseAbs().maxCoeff());
  check::that((alone - found.gradient).cwiseAbs().maxCoeff() <= 1e-13 * scale, name + ": gradient with and without");
  const Matrix slope = differences::by_column(at, h, [&](const Vector& x) {
    return Vector::Constant(1, model.rule().pass(x, 0).value);
  });
  const double off = (slope.transpose() - found.gradient).cwiseAbs().maxCoeff() / scale;
  check::that(off <= 1e-9, name + ": gradient, off by " + std::to_string(off * 1e9) + "e-9");
  const Matrix expected = differences::by_column(at, h, [&](const Vector& x) {
    return model.rule().pass(x, 1).gradient;
  });
  const double size = std::max(1.0, expected.cwiseAbs().maxCoeff());
  const double far = (expected - found.hessian).cwiseAbs().maxCoeff() / size;
  check::that(far <= 1e-8, name + ": Hessian, off by " + std::to_string(far * 1e9) + "e-9");
  check::that(found.hessian == found.hessian.transpose(), name + ": Hessian symmetric");
  const Matrix scores = model.rule().level_gradients(at);
  const double apart = (scores.colwise().sum().transpose() - found.gradient).cwiseAbs().maxCoeff();
  check::that(apart <= 1e-12 * scale, name + ": scores add up to the gradient");
}

}  // namespace rule_derivatives

#endif
