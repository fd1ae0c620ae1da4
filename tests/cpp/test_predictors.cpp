// Models of several predictors a row: effects shared by two predictors, correlated between them, several levels a row,
// a prior between levels, an effect on a dispersion. Mode and value against dense matrices, gradients against
// differences, scores of clusters against their sum.
#include <glimmer/row_model.h>

#include <functional>

#include "check.h"
#include "problem.h"
#include "zero_inflated.h"

using glimmer::Evaluation;
using glimmer::Index;
using glimmer::Inner;
using glimmer::Matrix;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;

namespace {

/// How a factor's effects enter a predictor, as plain matrices.
struct Entry {
  int predictor;
  std::vector<Index> level;
  Matrix Z;
};

struct GivenFactor {
  Index levels;
  std::vector<Entry> entries;
  Matrix precision = {};

  Index effects() const { return entries.front().Z.cols(); }
  Index size() const { return levels * effects(); }
};

struct Model {
  std::string name;
  std::function<std::unique_ptr<const glimmer::Density>()> density;
  glimmer::Responses responses;
  std::vector<Matrix> X;       ///< by predictor
  std::vector<Vector> offset;
  std::vector<GivenFactor> factors;
  Vector parameters;

  Index rows() const { return responses.y.size(); }
  Index theta_count() const {
    Index count = 0;
    for (const GivenFactor& factor : factors) count += factor.effects() * (factor.effects() + 1) / 2;
    return count;
  }
  Vector beta(const Vector& at, std::size_t a) const {
    Index begin = a == 0 ? 0 : X[0].cols() + theta_count();
    for (std::size_t b = 1; b < a; ++b) begin += X[b].cols();
    return at.segment(begin, X[a].cols());
  }
};

std::unique_ptr<RowModel> build(const Model& m) {
  std::vector<glimmer::Predictor> predictors;
  for (std::size_t a = 0; a < m.X.size(); ++a) predictors.push_back({m.X[a], m.offset[a]});
  std::vector<glimmer::Factor> factors;
  Index theta = 0;
  for (const GivenFactor& given : m.factors) {
    glimmer::Factor factor;
    factor.levels = given.levels;
    for (const Entry& entry : given.entries)
      factor.incidences.push_back(
          {glimmer::Integers(entry.level.begin(), entry.level.end()), entry.Z, entry.predictor});
    if (given.precision.size() > 0) factor.prior = problem::make_precision(given.precision);
    factor.covariance.add("unstructured", given.effects(), theta);
    theta += given.effects() * (given.effects() + 1) / 2;
    factors.push_back(std::move(factor));
  }
  return std::make_unique<RowModel>(m.responses, std::move(predictors), glimmer::Factors(std::move(factors)),
                                    m.density());
}

/// The model with dense matrices: A of each predictor, with the X of the first one beside it where an inner search
/// includes beta.
struct Dense {
  std::vector<Matrix> A;
  Matrix P;
  Vector x;  ///< u, and beta
  double f = 0.0;
  Vector gradient;
  Matrix H;

  Dense(const Model& m, const Vector& at, bool with_beta) {
    Index q = 0, start = 0, theta = m.X[0].cols();
    for (const GivenFactor& factor : m.factors) q += factor.size();
    const Index p = with_beta ? m.X[0].cols() : 0;
    A.assign(m.X.size(), Matrix::Zero(m.rows(), q + p));
    P = Matrix::Zero(q + p, q + p);
    for (const GivenFactor& factor : m.factors) {
      const Index own = factor.effects();
      Matrix L = Matrix::Zero(own, own);
      for (Index j = 0; j < own; ++j)
        for (Index i = j; i < own; ++i) L(i, j) = at[theta++];
      for (const Entry& entry : factor.entries)
        for (Index i = 0; i < m.rows(); ++i)
          A[static_cast<std::size_t>(entry.predictor)].block(
              i, start + entry.level[static_cast<std::size_t>(i)] * own, 1, own) += entry.Z.row(i) * L;
      for (Index g = 0; g < factor.levels; ++g)
        for (Index h = 0; h < factor.levels; ++h)
          P.block(start + g * own, start + h * own, own, own) =
              Matrix::Identity(own, own) * (factor.precision.size() > 0 ? factor.precision(g, h) : g == h ? 1.0 : 0.0);
      start += factor.size();
    }
    A[0].rightCols(p) = m.X[0].leftCols(p);
    x = Vector::Zero(q + p);
    find_mode(m, at, p);
  }

  void evaluate(const Model& m, const Vector& at, Index p) {
    const auto density = m.density();
    glimmer::Etas etas;
    for (std::size_t a = 0; a < m.X.size(); ++a) {
      etas.push_back(m.offset[a] + A[a] * x);
      if (a > 0 || p == 0) etas.back() += m.X[a] * m.beta(at, a);
    }
    glimmer::RowDerivatives rows;
    rows.reserve(m.rows(), 2, density->predictors());
    rows.f.resize(m.rows());
    density->evaluate(m.responses, {0, m.rows()}, etas, 2, rows);
    f = rows.f.sum() - 0.5 * x.dot(P * x);
    for (Index i = 0; i < m.rows(); ++i) f += density->constant(m.responses[i]);
    gradient = -(P * x);
    H = P;
    for (std::size_t a = 0; a < A.size(); ++a) {
      gradient += A[a].transpose() * rows.d1[a];
      for (std::size_t b = 0; b < A.size(); ++b)
        H += A[a].transpose() *
             rows.w[glimmer::pair_place(static_cast<int>(a), static_cast<int>(b))].asDiagonal() * A[b];
    }
  }

  /// Newton's method with H made positive definite by its eigenvalues, halving steps.
  void find_mode(const Model& m, const Vector& at, Index p) {
    evaluate(m, at, p);
    for (int iteration = 0; iteration < 200; ++iteration) {
      const Eigen::SelfAdjointEigenSolver<Matrix> eigen(H);
      const Vector scale = eigen.eigenvalues().cwiseAbs().cwiseMax(1e-3).cwiseInverse();
      const Vector step = eigen.eigenvectors() * scale.asDiagonal() * eigen.eigenvectors().transpose() * gradient;
      const Vector from = x;
      const double before = f, decrement = gradient.dot(step);
      double length = 1.0;
      do {
        x = from + length * step;
        evaluate(m, at, p);
        length *= 0.5;
      } while (!(f >= before - 1e-12 * std::fabs(before)) && length > 1e-10);
      if (decrement < 1e-22) return;
    }
  }

  double log_determinant(Index size) const {
    const Eigen::LLT<Matrix> llt(H.topLeftCorner(size, size));
    return llt.matrixLLT().diagonal().array().log().sum();
  }

  double laplace(Index p, Inner inner) const {
    const Index q = x.size() - p;
    const double prior = 0.5 * std::log(P.topLeftCorner(q, q).determinant());
    if (inner != Inner::integrated) return f - log_determinant(q) + prior;
    return f - log_determinant(q + p) + prior + 0.5 * static_cast<double>(p) * std::log(2.0 * std::acos(-1.0));
  }
};

const char* name_of(Inner inner) {
  return inner == Inner::given ? "" : inner == Inner::joint ? ", joint" : ", integrated";
}

void mode_and_value(const Model& m, Inner inner) {
  const std::string name = m.name + name_of(inner);
  const auto model = build(m);
  const Evaluation found = model->evaluate(m.parameters, inner, false);
  check::that(found.status == Status::ok, name + ": " + glimmer::describe(found.status));
  if (found.status != Status::ok) return;
  const Dense dense(m, m.parameters, inner != Inner::given);
  const Index p = inner != Inner::given ? m.X[0].cols() : 0;
  check::close_relative(found.value, dense.laplace(p, inner), 1e-12, name + ": value");
  const auto effects = model->effects(m.parameters, inner);
  const Matrix covariance = Matrix(dense.H.topLeftCorner(dense.x.size() - p, dense.x.size() - p)).inverse();
  Index at = 0, theta = m.X[0].cols();
  for (std::size_t k = 0; k < m.factors.size(); ++k) {
    const Index q = m.factors[k].effects();
    Matrix L = Matrix::Zero(q, q);
    for (Index j = 0; j < q; ++j)
      for (Index i = j; i < q; ++i) L(i, j) = m.parameters[theta++];
    for (Index g = 0; g < m.factors[k].levels; ++g, at += q) {
      check::that((effects[k].modes.col(g) - L * dense.x.segment(at, q)).cwiseAbs().maxCoeff() <= 1e-9,
                  name + ": modes");
      const Matrix own = L * covariance.block(at, at, q, q) * L.transpose();
      check::that((effects[k].covariances.middleCols(q * g, q) - own).cwiseAbs().maxCoeff() <= 1e-9,
                  name + ": covariances");
    }
  }
}

/// Romberg's extrapolation of central differences.
double difference(RowModel& model, const Vector& parameters, Index j, Inner inner) {
  const auto central = [&](double h) {
    Vector up = parameters, down = parameters;
    up[j] += h, down[j] -= h;
    return (model.evaluate(up, inner, false).value - model.evaluate(down, inner, false).value) / (2.0 * h);
  };
  double table[4];
  for (int k = 0; k < 4; ++k) table[k] = central(0.04 / (1 << k));
  for (int level = 1, factor = 4; level < 4; ++level, factor *= 4)
    for (int k = 3; k >= level; --k) table[k] += (table[k] - table[k - 1]) / (factor - 1);
  return table[3];
}

void gradient(const Model& m, Inner inner) {
  const std::string name = m.name + name_of(inner);
  const auto model = build(m);
  const Evaluation found = model->evaluate(m.parameters, inner, true);
  check::that(found.status == Status::ok && found.gradient.size() == m.parameters.size(), name + ": gradient is there");
  if (found.gradient.size() != m.parameters.size()) return;
  const double scale = std::max(1.0, found.gradient.cwiseAbs().maxCoeff());
  for (Index j = 0; j < found.gradient.size(); ++j) {
    const bool inside = inner != Inner::given && j < m.X[0].cols();
    const double expected = inside ? 0.0 : difference(*model, m.parameters, j, inner);
    check::close(found.gradient[j] / scale, expected / scale, 1e-9, name + ": gradient " + std::to_string(j));
  }
}

/// Scores of the levels of the only factor: they add up to the gradient, and each is that of the rows of its level.
void scores(const Model& m) {
  const auto model = build(m);
  const std::vector<Index>& level = m.factors[0].entries[0].level;
  const Index levels = m.factors[0].levels;
  const Matrix found = model->scores(m.parameters, glimmer::Integers(level.begin(), level.end()), levels);
  const Vector expected = model->evaluate(m.parameters, true).gradient;
  const double scale = std::max(1.0, expected.cwiseAbs().maxCoeff());
  check::that((found.colwise().sum().transpose() - expected).cwiseAbs().maxCoeff() <= 1e-11 * scale,
              m.name + ": scores add up to the gradient");
  for (Index g = 0; g < levels; g += 3) {
    std::vector<Index> rows;
    for (Index i = 0; i < m.rows(); ++i)
      if (level[static_cast<std::size_t>(i)] == g) rows.push_back(i);
    const Index n = static_cast<Index>(rows.size());
    Model own = m;
    Vector y(n), weight(n);
    for (std::size_t a = 0; a < m.X.size(); ++a) own.X[a].resize(n, m.X[a].cols()), own.offset[a].resize(n);
    for (Entry& entry : own.factors[0].entries) entry.level.assign(rows.size(), 0), entry.Z.resize(n, entry.Z.cols());
    own.factors[0].levels = 1;
    for (Index i = 0; i < n; ++i) {
      const Index from = rows[static_cast<std::size_t>(i)];
      y[i] = m.responses.y[from], weight[i] = m.responses.weight[from];
      for (std::size_t a = 0; a < m.X.size(); ++a)
        own.X[a].row(i) = m.X[a].row(from), own.offset[a][i] = m.offset[a][from];
      for (std::size_t e = 0; e < own.factors[0].entries.size(); ++e)
        own.factors[0].entries[e].Z.row(i) = m.factors[0].entries[e].Z.row(from);
    }
    own.responses = {y, Vector::Ones(n), weight};
    const Vector alone = build(own)->evaluate(m.parameters, true).gradient;
    check::that((found.row(g).transpose() - alone).cwiseAbs().maxCoeff() <= 1e-9 * scale,
                m.name + ": score of a level");
  }
}

/// The same numbers for any number of threads, and from any start.
void threads(const Model& m) {
  const auto one = build(m), two = build(m);
  two->set_threads(2);
  const Evaluation a = one->evaluate(m.parameters, true), b = two->evaluate(m.parameters, true);
  check::that(a.value == b.value && a.gradient == b.gradient, m.name + ": threads");
  one->evaluate(1.1 * m.parameters, true);
  const Evaluation again = one->evaluate(m.parameters, true);
  check::close_relative(again.value, a.value, 1e-12, m.name + ": from another start");
}

/// Random data: `predictors` with a column of ones and further ones each.
struct Maker {
  problem::Random random{77};
  Index n;

  explicit Maker(Index rows) : n(rows) {}
  Vector uniform() {
    Vector out(n);
    for (Index i = 0; i < n; ++i) out[i] = 2.0 * random.uniform() - 1.0;
    return out;
  }
  Matrix design(Index columns) {
    Matrix X = Matrix::Ones(n, columns);
    for (Index j = 1; j < columns; ++j) X.col(j) = uniform();
    return X;
  }
  std::vector<Index> levels(Index count) {
    std::vector<Index> out;
    for (Index i = 0; i < n; ++i) out.push_back(random.below(count));
    return out;
  }
  /// Rows of Z that are zero but for some columns.
  Matrix effects(Index columns, Index from, Index to) {
    Matrix Z = Matrix::Zero(n, columns);
    for (Index j = from; j < to; ++j) Z.col(j) = j == from ? Vector(Vector::Ones(n)) : uniform();
    return Z;
  }
};

std::unique_ptr<const glimmer::Density> zero_inflated() {
  return std::make_unique<glimmer::SeriesDensity<problem::ZeroInflated>>();
}

/// Counts of which some are zeros of another kind; the first factor is to be filled in.
Model counts(Maker& make, const std::string& name) {
  Model m;
  m.name = "zero inflation, " + name;
  m.density = zero_inflated;
  m.X = {make.design(2), make.design(2), make.design(1)};
  Vector y(make.n), weight(make.n);
  for (Index i = 0; i < make.n; ++i) {
    const double mu = std::exp(1.0 + 0.5 * m.X[0](i, 1)) * make.random.exponential();
    y[i] = make.random.uniform() < 0.25 ? 0.0 : problem::draw("poisson", mu, 1.0, 0.0, make.random);
    weight[i] = 0.5 + make.random.uniform();
  }
  m.responses = {y, Vector::Ones(make.n), weight};
  m.offset = {0.1 * make.uniform(), 0.1 * make.uniform(), Vector::Zero(make.n)};
  return m;
}

/// Parameters for three predictors, from theta.
void set_parameters(Model& m, const std::vector<double>& theta) {
  std::vector<double> all{1.1, 0.4};
  all.insert(all.end(), theta.begin(), theta.end());
  for (std::size_t a = 1; a < m.X.size(); ++a)
    for (Index j = 0; j < m.X[a].cols(); ++j) all.push_back(a == 1 ? -0.9 + 0.6 * static_cast<double>(j) : 0.7);
  m.parameters = Eigen::Map<const Vector>(all.data(), static_cast<Index>(all.size()));
}

Matrix chain(Index levels) {
  const double rho = 0.6;  // the inverse of the correlations of an AR(1)
  Matrix P = Matrix::Zero(levels, levels);
  for (Index i = 0; i < levels; ++i) P(i, i) = i == 0 || i == levels - 1 ? 1.0 : 1.0 + rho * rho;
  for (Index i = 1; i < levels; ++i) P(i, i - 1) = P(i - 1, i) = -rho;
  return P / (1.0 - rho * rho);
}

std::vector<Model> zero_inflated_models() {
  std::vector<Model> out;
  Maker make(120);
  Model m = counts(make, "an effect shared by two predictors");
  const std::vector<Index> level = make.levels(8), other = make.levels(6);
  m.factors = {{8, {{0, level, make.effects(1, 0, 1)}, {1, level, -0.8 * make.effects(1, 0, 1)}}}};
  set_parameters(m, {0.7});
  out.push_back(m);

  m = counts(make, "effects of two predictors, correlated");
  m.factors = {{8, {{0, level, make.effects(3, 0, 2)}, {1, level, make.effects(3, 2, 3)}}}};
  set_parameters(m, {0.6, 0.2, 0.3, 0.4, -0.1, 0.5});
  out.push_back(m);

  m = counts(make, "two memberships in the first predictor, one in the second");
  m.factors = {{8, {{0, level, make.effects(2, 0, 1)}, {0, make.levels(8), 0.5 * make.effects(2, 0, 1)},
                    {1, make.levels(8), make.effects(2, 1, 2)}}}};
  set_parameters(m, {0.6, 0.3, 0.5});
  out.push_back(m);

  m = counts(make, "two memberships with a chain of levels, and another factor");
  m.factors = {{8, {{0, level, make.effects(2, 0, 1)}, {1, level, make.effects(2, 1, 2)},
                    {0, make.levels(8), make.effects(2, 0, 1)}}, chain(8)},
               {6, {{1, other, make.effects(1, 0, 1)}}}};
  set_parameters(m, {0.5, 0.25, 0.4, 0.6});
  out.push_back(m);

  m = counts(make, "crossed factors in different predictors, and both");
  m.factors = {{8, {{0, level, make.effects(1, 0, 1)}}}, {6, {{1, other, make.effects(1, 0, 1)}}},
               {4, {{0, make.levels(4), make.effects(2, 0, 2)}, {1, make.levels(4), make.effects(2, 0, 2)}}}};
  set_parameters(m, {0.6, 0.5, 0.4, 0.1, 0.3});
  out.push_back(m);

  m = counts(make, "an effect on the size");
  m.X[2] = make.design(2);
  m.factors = {{8, {{0, level, make.effects(2, 0, 1)}, {2, level, make.effects(2, 1, 2)}}}};
  set_parameters(m, {0.6, 0.2, 0.4});
  out.push_back(m);
  return out;
}

/// Families with a dispersion that has covariates and effects of its own.
Model dispersed(const problem::Pair& pair, bool effects_on_mean) {
  Maker make(110);
  Model m;
  m.name = pair.family + " " + pair.link + ", effects on the dispersion" + (effects_on_mean ? " and the mean" : "");
  m.density = [pair] { return glimmer::make_density(pair.family, pair.link); };
  m.X = {make.design(2), make.design(2)};
  m.offset = {Vector::Zero(make.n), 0.1 * make.uniform()};
  Vector y(make.n), weight(make.n);
  for (Index i = 0; i < make.n; ++i) {
    y[i] = problem::draw(pair.family, problem::mean(pair.link, pair.centre + 0.3 * pair.spread * m.X[0](i, 1)), 1.0,
                         0.5, make.random);
    weight[i] = 0.5 + make.random.uniform();
  }
  m.responses = {y, Vector::Ones(make.n), weight};
  const std::vector<Index> level = make.levels(9);
  GivenFactor factor{9, {}};
  if (effects_on_mean) {
    factor.entries.push_back({0, level, pair.spread * make.effects(2, 0, 1)});
    factor.entries.push_back({1, level, make.effects(2, 1, 2)});
  } else {
    factor.entries.push_back({1, level, make.effects(2, 0, 2)});
  }
  m.factors = {factor};
  m.parameters.resize(7);
  m.parameters << pair.centre, 0.3 * pair.spread, 0.5, 0.1, 0.3, 0.4, -0.2;
  return m;
}

/// A constant that is given as a column of ones and zeros of offset, and not given at all.
void constants() {
  const problem::Pair pair{"Gamma", "log", 0.3, 0.5};
  const auto p = problem::make_problem({"slope", {{10, {2}}}, false, 80, 3}, pair, 5);
  std::vector<glimmer::Predictor> predictors = glimmer::only_predictor(p.offset, p.X);
  predictors.push_back({Matrix(Matrix::Ones(p.rows(), 1)), Vector(Vector::Zero(p.rows()))});
  RowModel given(glimmer::Responses{p.y, p.size, p.weight}, std::move(predictors), problem::make_factors(p),
                 glimmer::make_density(p.family, p.link));
  check::that(given.data().predictor(1).X.constant(), "a column of ones is kept as a number");
  const Evaluation a = given.evaluate(p.parameters, true), b = problem::make_model(p)->evaluate(p.parameters, true);
  check::that(a.value == b.value && a.gradient == b.gradient, "a constant, given or not");
}

/// What cannot be is refused.
void refusals() {
  Maker make(20);
  Model m = counts(make, "refused");
  m.factors = {{4, {{3, make.levels(4), make.effects(1, 0, 1)}}}};
  bool thrown = false;
  try {
    build(m);
  } catch (const std::invalid_argument&) {
    thrown = true;
  }
  check::that(thrown, "effects in a predictor that is not there are refused");
}

}  // namespace

int main() {
  std::vector<Model> models = zero_inflated_models();
  for (const problem::Pair& pair : {problem::Pair{"gaussian", "identity", 0.5, 1.0}, {"Gamma", "log", 0.3, 0.5},
                                    {"inverse.gaussian", "log", 0.2, 0.3}, {"nbinom2", "log", 0.6, 0.5}})
    for (bool both : {false, true}) models.push_back(dispersed(pair, both));
  for (const Model& m : models) {
    for (Inner inner : {Inner::given, Inner::joint, Inner::integrated}) {
      mode_and_value(m, inner);
      gradient(m, inner);
    }
    bool one_level = m.factors.size() == 1;
    for (const Entry& entry : m.factors[0].entries)
      one_level = one_level && entry.level == m.factors[0].entries[0].level;
    if (one_level) scores(m);
    threads(m);
  }
  constants();
  refusals();
  return check::finish();
}
