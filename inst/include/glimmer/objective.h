// What a caller sees of a model, whatever it is made of: the log-likelihood and its gradient at a parameter vector, and
// what there is to be read at one.
#ifndef GLIMMER_OBJECTIVE_H
#define GLIMMER_OBJECTIVE_H

#include "block_system.h"

namespace glimmer {

/// What an evaluation finds itself beside the modes of the random effects: nothing, beta at its joint mode with them
/// (or at its maximum), beta integrated out with a flat prior, or beta and the dispersion at their maximum.
enum class Inner { given, joint, integrated, profiled };

/// The log-likelihood, all constants included, and its gradient at a parameter vector: beta of the first predictor,
/// theta, coefficients of the other predictors.
struct Evaluation {
  Status status = Status::ok;
  double value = -infinity;
  Vector gradient;
  Vector parameters;  ///< those given, with what the evaluation found in their place
};

/// The random effects b of one factor given the data: modes (effects x levels), covariances (effects x effects, level
/// by level).
struct Effects {
  Matrix modes, covariances;
};

/// Readers take the parameters, and evaluate there first where the last evaluation was elsewhere. They throw where the
/// modes cannot be found.
class Objective {
 public:
  virtual ~Objective() = default;

  virtual Evaluation evaluate(const Vector& parameters, Inner inner, bool gradient) = 0;
  Evaluation evaluate(const Vector& parameters, bool gradient) { return evaluate(parameters, Inner::given, gradient); }

  virtual Index parameter_count() const = 0;
  virtual const Factors& factors() const = 0;

  /// Conditional modes and covariances of b given the parameters, by factor as the caller gave them.
  virtual std::vector<Effects> effects(const Vector& parameters, Inner inner) = 0;

  /// Information on beta, the random effects eliminated. Empty where it is not positive definite.
  virtual Matrix fixed_information(const Vector& parameters, Inner inner) = 0;

  /// The derivative of -b in beta, b at its mode: by factor as the caller gave them, a row an effect, level by level.
  virtual std::vector<Matrix> fixed_shift(const Vector& parameters, Inner inner) = 0;

  /// The covariance of b given the data and the parameters, times columns whose rows are the effects factor by factor
  /// as the caller gave them, level by level.
  virtual Matrix times_covariance(const Vector& parameters, Inner inner, const Matrix& columns) = 0;

  /// The information that a typical level of each factor, as the caller gave them, has on its own effects.
  virtual std::vector<Matrix> level_information(const Vector& parameters, Inner inner) = 0;

 protected:
  void check_length(const Vector& parameters) const {
    if (parameters.size() != parameter_count())
      throw std::invalid_argument("expected " + std::to_string(parameter_count()) + " parameters, got " +
                                  std::to_string(parameters.size()));
  }

  /// From b, laid out like u, and the covariance of u in units of `unit`.
  std::vector<Effects> effects_of(const Vector& b, const BlockMatrix& covariance, double unit) const {
    const Factors& all = factors();
    std::vector<Effects> out(static_cast<std::size_t>(all.count()));
    for (Index k = 0; k < all.count(); ++k) {
      const Index q = all[k].effects(), levels = all[k].levels;
      Effects& own = out[static_cast<std::size_t>(all.callers_position(k))];
      own.modes = Eigen::Map<const Matrix>(b.data() + all.start(k), q, levels);
      own.covariances.resize(q, q * levels);
      for (Index h = 0; h < levels; ++h)
        own.covariances.middleCols(q * h, q) =
            unit * all.lambda(k) * covariance.diagonal(k, h) * all.lambda(k).transpose();
    }
    return out;
  }

  /// Lambda V by factor.
  std::vector<Matrix> shift_of(const Matrix& V) const {
    Matrix scaled(V.rows(), V.cols());
    for (Index j = 0; j < V.cols(); ++j) scaled.col(j) = factors().scaled(V.col(j));
    return by_factor([&](Index k) { return Matrix(scaled.middleRows(factors().start(k), factors()[k].size())); });
  }

  /// unit Lambda H^-1 Lambda' times columns.
  Matrix times_inverse(const BlockSystem& system, double unit, const Matrix& columns) const {
    return by_column(columns, [&](const Vector& x) {
      Vector u = factors().pulled(x);
      system.solve(u);
      return Vector(unit * factors().scaled(u));
    });
  }

  /// change(x) of every column, x and what it becomes laid out like u, the columns as the caller gave the factors.
  template <class Change>
  Matrix by_column(const Matrix& columns, Change change) const {
    if (columns.rows() != factors().size())
      throw std::invalid_argument("a column needs a number for every random effect");
    Matrix out(columns.rows(), columns.cols());
    for (Index j = 0; j < columns.cols(); ++j) out.col(j) = to_caller(change(from_caller(columns.col(j))));
    return out;
  }

  Vector to_caller(const Vector& x) const {
    Vector out(x.size());
    for_segments([&](Index here, Index caller, Index size) { out.segment(caller, size) = x.segment(here, size); });
    return out;
  }
  Vector from_caller(const Vector& x) const {
    Vector out(x.size());
    for_segments([&](Index here, Index caller, Index size) { out.segment(here, size) = x.segment(caller, size); });
    return out;
  }

  /// Calls visit(first effect, the same as the caller has it, number of effects) for every factor.
  template <class Visit>
  void for_segments(Visit visit) const {
    Index caller = 0;
    for (Index position = 0; position < factors().count(); ++position)
      for (Index k = 0; k < factors().count(); ++k) {
        if (factors().callers_position(k) != position) continue;
        visit(factors().start(k), caller, factors()[k].size());
        caller += factors()[k].size();
      }
  }

  /// What of each factor `read(k)` gives, as the caller gave them.
  template <class Read>
  std::vector<Matrix> by_factor(Read read) const {
    std::vector<Matrix> out(static_cast<std::size_t>(factors().count()));
    for (Index k = 0; k < factors().count(); ++k)
      out[static_cast<std::size_t>(factors().callers_position(k))] = read(k);
    return out;
  }
};

}  // namespace glimmer

#endif
