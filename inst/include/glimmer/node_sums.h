// Sums over the nodes of a quadrature, level by level: passes over the rows of all levels at all their nodes, and what
// needs no derivative of them, the levels' log-likelihoods and the moments of u given the data.
#ifndef GLIMMER_NODE_SUMS_H
#define GLIMMER_NODE_SUMS_H

#include <functional>
#include <limits>
#include <map>

#include "node_grid.h"
#include "node_rows.h"
#include "node_rule.h"

namespace glimmer {

class NodeSums {
 public:
  NodeSums(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  Index effects() const { return data_.factors[0].effects(); }
  Index levels() const { return data_.factors[0].levels; }

  /// The log-likelihood of all levels, by a rule and its ranges.
  double value(const Point& point, const NodeRule& rule, const std::vector<Range>& ranges) const {
    Vector sums(static_cast<Index>(ranges.size()));
    for_ranges(ranges, [&](Index c, Range range) {
      Vector values(range.size());
      Values part{*this, rule, values.data(), range.begin};
      for_levels(point, rule, range, part);
      sums[c] = values.sum();
    });
    return sums.sum();
  }

  /// Each level's own log-likelihood by a rule; not a number where it leaves the level out.
  Vector level_values(const Point& point, const NodeRule& rule) {
    prepare(rule);
    Vector values = Vector::Constant(levels(), std::numeric_limits<double>::quiet_NaN());
    for_ranges(ranges_of(rule), [&](Index, Range range) {
      Values part{*this, rule, values.data() + range.begin, range.begin};
      for_levels(point, rule, range, part);
    });
    return values;
  }

  /// Mean and covariance by a rule, of the levels that it does not leave out.
  Moments moments(const Point& point, const NodeRule& rule) {
    prepare(rule);
    const Index q = effects();
    Moments out{Matrix::Zero(q, levels()), Matrix::Zero(q, q * levels())};
    for_ranges(ranges_of(rule), [&](Index, Range range) {
      MomentSums part(q, out);
      for_levels(point, rule, range, part);
    });
    return out;
  }

  /// The grids that a rule asks for.
  void prepare(const NodeRule& rule) {
    for (std::size_t g = 0; g < rule.nodes.size(); ++g) {
      const int n = rule.nodes[g];
      const bool is_wide = rule.wide[g] != 0;
      if (n == 0 || grids_.count({n, is_wide})) continue;
      grids_.emplace(std::make_pair(n, is_wide),
                     NodeGrid(is_wide ? trapezoid(n, 1.0) : gauss_hermite(n), effects()));
    }
  }

  const NodeGrid& grid(const NodeRule& rule, Index g) const {
    return grids_.at({rule.nodes_of(g), rule.is_wide(g)});
  }

  /// Ranges of levels with some number of rows times nodes each, which do not depend on the threads.
  std::vector<Range> ranges_of(const NodeRule& rule) const {
    std::vector<Range> ranges;
    Index begin = 0, work = 0;
    for (Index g = 0; g < levels(); ++g) {
      if (rule.nodes_of(g) > 0) work += (1 + data_.rows_of({g, g + 1}).size()) * grid(rule, g).size();
      if (work < row_nodes_in_range && g + 1 < levels()) continue;
      ranges.push_back({begin, g + 1});
      begin = g + 1;
      work = 0;
    }
    return ranges;
  }

  /// Calls visit(number, range) for every range of levels, side by side.
  template <class Visit>
  void for_ranges(const std::vector<Range>& ranges, Visit visit) const {
    const Index count = static_cast<Index>(ranges.size());
    const auto one = [&](Index c) { visit(c, ranges[static_cast<std::size_t>(c)]); };
    parallel_shares(count, 1, count > 3 ? data_.threads : 1, one, data_.interrupt);
  }

  /// R'^-1 of a level
  Matrix inverse_root(Index g) const {
    Matrix C = Matrix::Identity(effects(), effects());
    system_.backward_level(g, C);
    return C;
  }

  /// log of the sum over nodes, with C and the constant of the normal density
  double level_value(const NodeRule& rule, Index g, const LogSum& sum) const {
    return sum.log() + log_scale(rule, g) - 0.5 * log_2pi * static_cast<double>(effects());
  }

  /// Goes through the nodes of a range of levels, some at a time. `part` has order(), the rows' derivatives that it
  /// needs; start(); add(block, rows, weights, rescale), the weights weight_k exp h(u_k) over a number, and by what
  /// sums of earlier ones are to be multiplied as that number has changed; finish(level, sum of them).
  template <class Part>
  void for_levels(const Point& point, const NodeRule& rule, Range range, Part& part) const {
    NodeRows rows(data_, range, part.order());
    LogSum sum;
    Vector weights;
    const auto flush = [&] {
      data_.interrupt();
      rows.evaluate(point);
      for (const NodeRows::Block& block : rows.blocks()) {
        const NodeGrid& nodes = grid(rule, block.level);
        if (block.first == 0) {
          sum.clear();
          part.start();
        }
        weights = nodes.log_weight.segment(block.first, block.count) + rows.log_densities(block) -
                  0.5 * rows.u(block).colwise().squaredNorm().transpose();
        const double rescale = sum.add(weights);
        part.add(block, rows, weights, rescale);
        if (block.first + block.count == nodes.size()) part.finish(block.level, sum);
      }
      rows.clear();
    };
    for (Index g = range.begin; g < range.end; ++g) {
      if (rule.nodes_of(g) == 0) continue;
      const NodeGrid& nodes = grid(rule, g);
      const Matrix C = scale(rule, g);
      const Vector centre =
          rule.is_wide(g) ? Vector(rule.centre.col(g)) : Vector(point.u.segment(g * effects(), effects()));
      for (Index first = 0; first < nodes.size();) {
        if (rows.room(g) < 1) flush();
        const Index count = std::min(nodes.size() - first, rows.room(g));
        rows.add(point, g, first, centre, C, nodes.x.middleCols(first, count));
        first += count;
      }
    }
    flush();
  }

 private:
  static constexpr Index row_nodes_in_range = 20000;

  /// C of a level, R'^-1 or what the rule says.
  Matrix scale(const NodeRule& rule, Index g) const {
    return rule.is_wide(g) ? Matrix(rule.scale.middleCols(effects() * g, effects())) : inverse_root(g);
  }

  double log_scale(const NodeRule& rule, Index g) const {
    if (!rule.is_wide(g)) return -system_.log_determinant({g, g + 1});
    const Index q = effects();
    return rule.scale.middleCols(q * g, q).diagonal().array().log().sum();
  }

  struct Values {
    const NodeSums& own;
    const NodeRule& rule;
    double* values;
    Index first;

    int order() const { return 0; }
    void start() {}
    void add(const NodeRows::Block&, const NodeRows&, const Vector&, double) {}
    void finish(Index g, const LogSum& sum) { values[g - first] = own.level_value(rule, g, sum); }
  };

  struct MomentSums {
    Vector sum;
    Matrix squares;
    Moments& out;

    MomentSums(Index q, Moments& out_) : sum(q), squares(q, q), out(out_) {}
    int order() const { return 0; }
    void start() {
      sum.setZero();
      squares.setZero();
    }
    void add(const NodeRows::Block& block, const NodeRows& rows, const Vector& weights, double rescale) {
      const Matrix u = rows.u(block);
      sum = rescale * sum + u * weights;
      squares = rescale * squares + u * weights.asDiagonal() * u.transpose();
    }
    void finish(Index g, const LogSum& total) {
      const Vector mean = sum / total.total();
      out.mean.col(g) = mean;
      out.covariance.middleCols(g * sum.size(), sum.size()) = squares / total.total() - mean * mean.transpose();
    }
  };

  const Data& data_;
  const BlockSystem& system_;
  std::map<std::pair<int, bool>, NodeGrid> grids_;
};

}  // namespace glimmer

#endif
